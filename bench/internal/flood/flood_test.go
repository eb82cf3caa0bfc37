package flood_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

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

// start starts a flooding process that is patient for a moment only.
func start(t *testing.T) *flood.Flooder {
	t.Helper()
	f, err := flood.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.Patience = 100 * time.Millisecond
	return f
}

// Attempts that were not made must be seen, or a flood of 400 a second passes for
// one of 1000.
func TestAttemptsThatAreLeftOutAreCounted(t *testing.T) {
	f := start(t)
	f.Patience = time.Minute
	release := make(chan struct{})
	addr, _ := listen(t, func(net.Conn) { <-release })
	if err := f.Begin(addr, []byte("hello"), 20_000); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := f.Look()
		if err != nil {
			t.Fatal(err)
		}
		if c.Skipped > 0 {
			break
		}
	}
	close(release)
	c, err := f.End()
	if err != nil || c.Took <= 0 || c.Came() != c.Closed || c.Rate() >= 20_000 {
		t.Errorf("%+v, %v, want all that came to be closed, at a lower rate than was asked for", c, err)
	}
	if sum := c.Plus(c); sum.Skipped != 2*c.Skipped || sum.Rate() != c.Rate() {
		t.Errorf("%+v twice is %+v", c, sum)
	}
}

// Idle connections must be told apart by what becomes of them: closed, answered,
// left open, or never opened.
func TestIdleConnectionsAreCounted(t *testing.T) {
	const n = 50
	tests := []struct {
		name  string
		serve func(net.Conn)
		want  flood.Count
	}{
		{"closed", func(c net.Conn) { c.Close() }, flood.Count{Tried: n, Closed: n}},
		{"answered", func(c net.Conn) { c.Write([]byte("x")) }, flood.Count{Tried: n, Answered: n}},
		{"left open", func(net.Conn) {}, flood.Count{Tried: n, Open: n}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			held := make(chan net.Conn, n) // what nobody holds would be closed by the collector
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					held <- c
					tt.serve(c)
				}
			}()
			f := start(t)
			if err := f.Hold(l.Addr().String(), n); err != nil {
				t.Fatal(err)
			}
			now, err := f.Look()
			if err != nil || now.Tried != n || now.Held+now.Closed+now.Answered+now.Open != n {
				t.Errorf("%+v, %v after all were opened", now, err)
			}
			if c, err := f.End(); err != nil || c != tt.want {
				t.Errorf("%+v, %v, want %+v", c, err, tt.want)
			}
		})
	}
	f := start(t)
	if err := f.Hold("", n); err != nil {
		t.Fatal(err)
	}
	if c, err := f.End(); err != nil || c.Closed != n {
		t.Errorf("%+v, %v, want all closed by the flooding process itself", c, err)
	}
	if err := f.Hold("127.0.0.1:1", n); err != nil { // nobody listens there
		t.Fatal(err)
	}
	if c, err := f.End(); err != nil || c.Failed != n || c.Came() != 0 {
		t.Errorf("%+v, %v, want that none came through", c, err)
	}
}
