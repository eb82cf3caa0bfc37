package flood_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/transport"
)

// The test binary is the flooding process as well.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == flood.Flag {
		if err := flood.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// knock floods an address until the listener has seen a few attempts.
func knock(t *testing.T, addr string, hello []byte, seen <-chan struct{}) flood.Count {
	t.Helper()
	f, err := flood.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Begin(addr, hello, 500); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		<-seen
	}
	c, err := f.End()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listen returns an address whose connections are answered by f.
func listen(t *testing.T, f func(net.Conn)) (addr string, seen <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	accepted := make(chan struct{}, 1<<16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := c.Read(make([]byte, 64)); err == nil {
					f(c)
				}
				accepted <- struct{}{}
			}()
		}
	}()
	return l.Addr().String(), accepted
}

// Whoever answers a stranger must be found out, or "0 answered" says nothing.
func TestAnswersAreCounted(t *testing.T) {
	addr, seen := listen(t, func(c net.Conn) { c.Write([]byte("x")) })
	if c := knock(t, addr, []byte("hello"), seen); c.Answered < 5 || c.Answered != c.Tried || c.Closed != 0 {
		t.Errorf("%+v, want at least 5, all answered", c)
	}
	addr, seen = listen(t, func(net.Conn) {})
	if c := knock(t, addr, []byte("hello"), seen); c.Answered != 0 || c.Closed != c.Tried {
		t.Errorf("%+v, want none answered", c)
	}
}

func TestFloodAtItsOwnListenerIsClosed(t *testing.T) {
	f, err := flood.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Begin("", []byte("hello"), 1000); err != nil {
		t.Fatal(err)
	}
	if c, err := f.End(); err != nil || c.Tried == 0 || c.Closed != c.Tried {
		t.Errorf("%+v, %v, want all attempts closed", c, err)
	}
}

// What is recorded must be what a node sends to begin, and a node with another
// cookie must turn it away, or the flood is of noise.
func TestHelloIsRefusedByAnotherCookie(t *testing.T) {
	hello, err := flood.Hello()
	if err != nil {
		t.Fatal(err)
	}
	if len(hello) < 56 || string(hello[:4]) != "CLUK" {
		t.Fatalf("hello is %d bytes, %q", len(hello), hello[:min(4, len(hello))])
	}
	refused := make(chan struct{}, 1<<16)
	k, err := transport.Start(context.Background(), transport.Config{
		ID: "a", Addr: "127.0.0.1:0", Cookie: transport.NewCookie(),
		OnEvent: func(e transport.Event) {
			if e.Kind == transport.Refused {
				refused <- struct{}{}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if c := knock(t, k.Addr(), hello, refused); c.Answered != 0 || c.Closed != c.Tried {
		t.Errorf("%+v, want all closed without a byte", c)
	}
}
