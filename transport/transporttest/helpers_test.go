package transporttest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// turn is the longest time that a lane's turn can add to an event, with up to
// 15 hosts.
const turn = time.Microsecond

// connect returns both ends of a connection that host a dials to host b.
func connect(t *testing.T, n *transporttest.Network, a, b string) (dialed, accepted net.Conn) {
	t.Helper()
	n.Host(a)
	l, err := n.Host(b).Listen(b + ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err = n.Host(a).Dial(context.Background(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return dialed, accepted
}

// both runs a test in a bubble and on the real clock.
func both(t *testing.T, test func(t *testing.T, n *transporttest.Network)) {
	t.Helper()
	t.Run("clock=bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := transporttest.New(1)
			defer n.Close()
			test(t, n)
		})
	})
	t.Run("clock=real", func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		test(t, n)
	})
}

// write writes all of text or ends the test.
func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(text), err)
	}
}

// read reads as many bytes as want has, and they must be want.
func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got[:n], err, want)
	}
}

// readErr reads until it gets an error, which must be want, and returns what
// it read before.
func readErr(t *testing.T, c net.Conn, want error) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			if !errors.Is(err, want) {
				t.Fatalf("read ends with %v, want %v", err, want)
			}
			return all
		}
	}
}

// collect reads c to its end in a goroutine. What it returns waits for that.
func collect(c net.Conn) func() ([]byte, error) {
	var all []byte
	var err error
	var done sync.WaitGroup
	done.Go(func() { all, err = io.ReadAll(c) })
	return func() ([]byte, error) {
		done.Wait()
		return all, err
	}
}

// between fails unless a thing took from min to min and slack.
func between(t *testing.T, what string, took, min, slack time.Duration) {
	t.Helper()
	if took < min || took > min+slack {
		t.Errorf("%s took %v, want %v and at most %v more", what, took, min, slack)
	}
}
