package genserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// loopback starts a node that listens on loopback.
func loopback(tb testing.TB, id string) *transport.Kernel {
	tb.Helper()
	k, err := transport.Start(context.Background(), transport.Config{ID: id, Addr: "127.0.0.1:0", Insecure: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { k.Close() })
	return k
}

// servesFor is the variable of the environment that makes this program a node
// with a server in place of the tests.
const servesFor = "GENSERVER_TEST_COOKIE"

func TestMain(m *testing.M) {
	if cookie := os.Getenv(servesFor); cookie != "" {
		if err := serve(cookie); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is a node whose server says hello, until its standard input ends.
func serve(cookie string) error {
	k, err := transport.Start(context.Background(), transport.Config{ID: "b", Addr: "127.0.0.1:0", Cookie: cookie})
	if err != nil {
		return err
	}
	defer k.Close()
	if _, err := genserver.Start(k, "greeter", hello); err != nil {
		return err
	}
	fmt.Println(k.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// The example of the README: one call, to a server here and to one in another
// process.
func TestHelloIsAnsweredByAnotherProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cookie := transport.NewCookie()
	child := exec.Command(self)
	child.Env = append(os.Environ(), servesFor+"="+cookie)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := child.Wait(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}

	k, err := transport.Start(t.Context(), transport.Config{ID: "a", Cookie: cookie})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := k.Connect(t.Context(), strings.TrimSpace(addr)); err != nil {
		t.Fatal(err)
	}
	if _, err := genserver.Start(k, "greeter", hello); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"greeter", "greeter@b"} {
		if got, err := genserver.Call[string](t.Context(), k, ref, "hello", nil); got != "world" || err != nil {
			t.Errorf("%s answers %q, %v", ref, got, err)
		}
	}
	begin := time.Now()
	_, err = genserver.Call[string](t.Context(), k, "nobody@b", "hello", nil)
	if !errors.Is(err, transport.ErrNoServer) || time.Since(begin) > time.Second {
		t.Errorf("a missing server: %v after %v", err, time.Since(begin))
	}
}
