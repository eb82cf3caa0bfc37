package transporttest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/transporttest"
)

func TestConnCarriesAMegabyteBothWays(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := connect(t, n, "a", "b")
		sent := make([]byte, 1<<20)
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := range sent {
			sent[i] = byte(rnd.Uint32())
		}
		var echo sync.WaitGroup
		echo.Go(func() {
			if _, err := io.Copy(struct{ io.Writer }{b}, struct{ io.Reader }{b}); err != nil {
				t.Error(err)
			}
			b.Close()
		})
		back := collect(a)
		for p := sent; len(p) > 0; {
			k := min(len(p), 1+int(rnd.Uint32()%40_000))
			if wrote, err := a.Write(p[:k]); wrote != k || err != nil {
				t.Fatalf("wrote %d of %d bytes: %v", wrote, k, err)
			}
			p = p[k:]
		}
		if err := a.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		got, err := back()
		if err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes came back, equal: %v, error: %v", len(got), bytes.Equal(got, sent), err)
		}
		echo.Wait()
		a.Close()
	})
}

func TestConnAddresses(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := connect(t, n, "a", "b")
		if a.LocalAddr() != b.RemoteAddr() || a.RemoteAddr() != b.LocalAddr() || a.LocalAddr() == b.LocalAddr() {
			t.Errorf("ends are %v->%v and %v->%v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
		}
		if got, want := a.LocalAddr().String(), "a:32768"; got != want || a.LocalAddr().Network() != "mem" {
			t.Errorf("the dialing end is %s of %s, want %s of mem", got, a.LocalAddr().Network(), want)
		}
	})
}

// What each end sees when the other one, or its own owner, ends the stream.
func TestConnEnds(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		t.Log("close: the bytes, then the end")
		a, b := connect(t, n, "a", "b")
		write(t, a, "bye")
		a.Close()
		if got := readErr(t, b, io.EOF); string(got) != "bye" {
			t.Errorf("read %q before the end, want bye", got)
		}

		t.Log("after close: net.ErrClosed from everything")
		for what, err := range map[string]error{
			"read":     second(a.Read(make([]byte, 1))),
			"write":    second(a.Write([]byte("x"))),
			"close":    a.Close(),
			"deadline": a.SetDeadline(time.Time{}),
			"half":     a.(interface{ CloseWrite() error }).CloseWrite(),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s on a closed connection: %v", what, err)
			}
		}

		t.Log("a write to a peer that is gone is answered with a reset")
		write(t, b, "to nobody")
		awaitErr(t, b, syscall.EPIPE)

		t.Log("half close: the other way stays open")
		a, b = connect(t, n, "a", "b")
		a.(interface{ CloseWrite() error }).CloseWrite()
		readErr(t, b, io.EOF)
		write(t, b, "still here")
		read(t, a, "still here")
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("write after half close: %v", err)
		}

		t.Log("close with bytes unread: a reset")
		a, b = connect(t, n, "a", "b")
		write(t, b, "answer")
		read(t, a, "ans")
		a.Close()
		readErr(t, b, syscall.ECONNRESET)

		t.Log("close read: arriving bytes are thrown away")
		a, b = connect(t, n, "a", "b")
		write(t, a, string(make([]byte, transporttest.BufferDefault)))
		read(t, b, "\x00")
		b.(interface{ CloseRead() error }).CloseRead()
		readErr(t, b, io.EOF)
		write(t, a, string(make([]byte, 4*transporttest.BufferDefault)))
	})
}

func second[T any](_ T, err error) error { return err }

// awaitErr writes until that fails, which must be with want.
func awaitErr(t *testing.T, c net.Conn, want error) {
	t.Helper()
	readErr(t, c, io.EOF)
	for range 1000 {
		if _, err := c.Write([]byte("x")); err != nil {
			if !errors.Is(err, want) {
				t.Errorf("write ends with %v, want %v", err, want)
			}
			return
		}
		<-time.After(time.Millisecond)
	}
	t.Errorf("1,000 writes to a peer that is gone went well, want %v", want)
}

// A reader that stalls must block the writer after 64 KiB, until the writer's
// deadline.
func TestConnBackPressure(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := connect(t, n, "a", "b")
		start := time.Now()
		a.SetWriteDeadline(start.Add(20 * time.Millisecond))
		wrote, err := a.Write(make([]byte, 1<<20))
		if wrote != transporttest.BufferDefault || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v", wrote, err)
		}
		if took := time.Since(start); took < 20*time.Millisecond {
			t.Errorf("the write failed after %v, before its deadline", took)
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no timeout", err)
		}
		a.SetWriteDeadline(time.Time{})
		var rest sync.WaitGroup
		rest.Go(func() { write(t, a, string(make([]byte, 100_000))) })
		read(t, b, string(make([]byte, transporttest.BufferDefault+100_000)))
		rest.Wait()
		if st := n.Stats("a", "b"); st.Bytes != transporttest.BufferDefault+100_000 {
			t.Errorf("%d bytes counted", st.Bytes)
		}
	})
}

// However little is read, a writer that waits gets that much room; what was
// lost or came twice gives back what it took, once.
func TestConnRoom(t *testing.T) {
	const buffer = 100
	tests := []struct {
		name  string
		f     faults
		reads int
		room  int // after that, of a full buffer
	}{
		{"nothing read", faults{Buffer: buffer}, 0, 0},
		{"a byte read", faults{Buffer: buffer}, 1, 1},
		{"all read", faults{Buffer: buffer}, buffer, buffer},
		{"half of what came twice", faults{Buffer: buffer, Duplicate: 1}, buffer, buffer / 2},
		{"all of what came twice", faults{Buffer: buffer, Duplicate: 1}, 2 * buffer, buffer},
		{"all lost", faults{Buffer: buffer, Lose: 1}, 0, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := transporttest.New(1)
				defer n.Close()
				a, b := connect(t, n, "a", "b")
				n.Set("a", "b", tt.f)
				for range 10 {
					if tt.f.Lose == 0 {
						write(t, a, string(make([]byte, buffer/10)))
					}
				}
				a.SetWriteDeadline(time.Now().Add(time.Second))
				var writer sync.WaitGroup
				wrote := 0
				writer.Go(func() { wrote, _ = a.Write(make([]byte, 1000)) })
				synctest.Wait()
				read(t, b, string(make([]byte, tt.reads)))
				writer.Wait()
				if wrote != tt.room {
					t.Errorf("room for %d bytes after reading %d, want %d", wrote, tt.reads, tt.room)
				}
			})
		})
	}
}

// What wakes a reader and what wakes a writer must not share an instant.
func TestConnReaderAndWriterWakeApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		write(t, a, string(make([]byte, transporttest.BufferDefault)))
		var reader, writer time.Time
		var both sync.WaitGroup
		both.Go(func() {
			write(t, a, "x")
			writer = time.Now()
		})
		both.Go(func() {
			read(t, a, "y")
			reader = time.Now()
		})
		time.Sleep(time.Second)
		read(t, b, string(make([]byte, transporttest.BufferDefault)))
		write(t, b, "y")
		both.Wait()
		if reader.Equal(writer) {
			t.Error("both are woken in one instant")
		}
	})
}

// Deadlines fail calls exactly when they should: never before, and after no
// more than a lane's turn, whether they were set before the call or during it.
func TestConnDeadlines(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name          string
		before, later time.Duration // set before the call, and 5 ms into it; 0: not set
		want          time.Duration
	}{
		{"in the past", -time.Hour, 0, 0},
		{"in the future", 20 * ms, 0, 20 * ms},
		{"moved to the past while waiting", 0, -1, 5 * ms},
		{"moved ahead while waiting", 20 * ms, 10 * ms, 15 * ms},
		{"put off while waiting", 20 * ms, 50 * ms, 55 * ms},
	}
	for _, tt := range tests {
		for _, op := range []string{"read", "write"} {
			t.Run(tt.name+"/"+op, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := transporttest.New(1)
					defer n.Close()
					a, _ := connect(t, n, "a", "b")
					call := func() error { return second(a.Read(make([]byte, 1))) }
					set := a.SetReadDeadline
					if op == "write" {
						write(t, a, string(make([]byte, transporttest.BufferDefault)))
						call = func() error { return second(a.Write([]byte("x"))) }
						set = a.SetWriteDeadline
					}
					start := time.Now()
					if tt.before != 0 {
						set(start.Add(tt.before))
					}
					if tt.later != 0 {
						time.AfterFunc(5*ms, func() { set(time.Now().Add(tt.later)) })
					}
					if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Fatalf("%s fails with %v", op, err)
					}
					between(t, op, time.Since(start), tt.want, turn)
					if err := call(); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("the second %s fails with %v", op, err)
					}
					between(t, "the second "+op, time.Since(start), tt.want, turn)
				})
			})
		}
	}
}

// A deadline that has passed fails a read even if there is something to read,
// and one that is lifted lets the reader have it.
func TestConnDeadlineBeforeData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		write(t, a, "x")
		time.Sleep(time.Second)
		b.SetReadDeadline(time.Now().Add(-1))
		readErr(t, b, os.ErrDeadlineExceeded)
		b.SetReadDeadline(time.Time{})
		if k, err := b.Read(nil); k != 0 || err != nil {
			t.Errorf("read of nothing: %d, %v", k, err)
		}
		read(t, b, "x")
		if k, err := b.Read(nil); k != 0 || err != nil {
			t.Errorf("read of nothing when there is nothing: %d, %v", k, err)
		}
	})
}

// All methods at once, for the race detector; then Close must end what waits.
func TestConnConcurrentUse(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		n.Set("*", "*", transporttest.Faults{ShortRead: 0.5, Split: 0.1, Duplicate: 0.1})
		a, b := connect(t, n, "a", "b")
		var work sync.WaitGroup
		for i := range 8 {
			c := []net.Conn{a, b}[i%2]
			work.Go(func() {
				for range 100 {
					c.SetDeadline(time.Now().Add(time.Duration(i) * 100 * time.Microsecond))
					c.Read(make([]byte, 100))
					c.SetReadDeadline(time.Now().Add(time.Millisecond))
					c.Write(make([]byte, 200))
					c.SetWriteDeadline(time.Now().Add(time.Millisecond))
					_ = c.LocalAddr().String() + c.RemoteAddr().String()
				}
			})
		}
		work.Wait()
		a.SetDeadline(time.Time{})
		b.SetDeadline(time.Time{})
		for i := range 8 {
			c := []net.Conn{a, b}[i%2]
			work.Go(func() {
				for {
					if _, err := c.Read(make([]byte, 1<<20)); err != nil {
						break
					}
				}
				for {
					if _, err := c.Write(make([]byte, 1<<20)); err != nil {
						break
					}
				}
			})
		}
		a.Close()
		b.Close()
		work.Wait()
	})
}

// Two writers at once: each Write arrives in one piece, even if it had to wait
// for room.
func TestConnWritesDoNotMix(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		const size = 3 * transporttest.BufferDefault / 2
		a, b := connect(t, n, "a", "b")
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() { write(t, a, string(bytes.Repeat([]byte{byte('0' + i)}, size))) })
		}
		got := make([]byte, 4*size)
		if _, err := io.ReadFull(b, got); err != nil {
			t.Fatal(err)
		}
		writers.Wait()
		for i := range 4 {
			if part := got[i*size : (i+1)*size]; bytes.Count(part, part[:1]) != size {
				t.Errorf("the write of %q is mixed with others", part[0])
			}
		}
	})
}

func TestDialFails(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := n.Host("a"), n.Host("b")
		if _, err := b.Listen("b:7000"); err != nil {
			t.Fatal(err)
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		refuse := func() { n.Refuse("b") }
		tests := []struct {
			name, addr string
			ctx        context.Context
			first      func()
			want       error
		}{
			{"nobody listens", "b:7001", context.Background(), nil, syscall.ECONNREFUSED},
			{"the host refuses", "b:7000", context.Background(), refuse, syscall.ECONNREFUSED},
			{"the context has ended", "b:7000", done, nil, context.Canceled},
		}
		for _, tt := range tests {
			if tt.first != nil {
				tt.first()
			}
			_, err := a.Dial(tt.ctx, tt.addr)
			var op *net.OpError
			if !errors.Is(err, tt.want) || !errors.As(err, &op) || op.Op != "dial" {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
		}
		if got := n.Stats("b", "a").Refused; got != 2 {
			t.Errorf("%d dials counted as refused, want 2", got)
		}
		n.Allow("b")
		if _, err := a.Dial(context.Background(), "b:7000"); err != nil {
			t.Errorf("the host allows dials again: %v", err)
		}
		var dns *net.DNSError
		if _, err := a.Dial(context.Background(), "c:7000"); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("no such host: %v", err)
		}
		for _, addr := range []string{"b", "b:x", "b:65536", "b:-1"} {
			if _, err := a.Dial(context.Background(), addr); err == nil {
				t.Errorf("dialed the address %q", addr)
			}
		}
	})
}

func TestListen(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a := n.Host("a")
		first, err := a.Listen(":0")
		if err != nil || first.Addr().String() != "a:32768" {
			t.Fatalf("port 0 of no host: %v, %v", first, err)
		}
		if l, err := a.Listen("a:0"); err != nil || l.Addr().String() != "a:32769" {
			t.Errorf("port 0 again: %v, %v", l, err)
		}
		if _, err := a.Listen("a:32768"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a port in use: %v", err)
		}
		if _, err := a.Listen("b:1"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Errorf("another host's address: %v", err)
		}

		ended := make(chan error)
		go func() { ended <- second(first.Accept()) }()
		first.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept ends with %v", err)
		}
		if err := first.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the second close: %v", err)
		}
		if _, err := a.Listen("a:32768"); err != nil {
			t.Errorf("the port is free again: %v", err)
		}
	})
}

// A listener that closes resets the connections that it never accepted.
func TestListenerCloseResetsItsBacklog(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		l, err := n.Host("b").Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		c, err := n.Host("a").Dial(context.Background(), "b:1")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		readErr(t, c, syscall.ECONNRESET)
	})
}

// The backlog holds 128; who comes later is answered once there is room.
func TestBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		l, err := n.Host("b").Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		a := n.Host("a")
		for i := range 128 {
			if _, err := a.Dial(context.Background(), "b:1"); err != nil {
				t.Fatalf("dial %d: %v", i, err)
			}
		}
		start := time.Now()
		time.AfterFunc(500*time.Millisecond, func() {
			if _, err := l.Accept(); err != nil {
				t.Error(err)
			}
		})
		if _, err := a.Dial(context.Background(), "b:1"); err != nil {
			t.Fatal(err)
		}
		between(t, "the dial that found no room", time.Since(start), time.Second, 4*turn)
	})
}

func ExampleNetwork() {
	n := transporttest.New(1)
	defer n.Close()
	a, b := n.Host("a"), n.Host("b")

	l, err := b.Listen("b:7000")
	if err != nil {
		panic(err)
	}
	c, err := a.Dial(context.Background(), "b:7000")
	if err != nil {
		panic(err)
	}
	d, err := l.Accept()
	if err != nil {
		panic(err)
	}

	fmt.Fprint(c, "hello")
	buf := make([]byte, 16)
	k, _ := d.Read(buf)
	fmt.Printf("%s from %v\n", buf[:k], d.RemoteAddr())

	n.Kill("a")
	_, err = d.Read(buf)
	fmt.Println(errors.Is(err, syscall.ECONNRESET))
	// Output:
	// hello from a:32768
	// true
}

func ExampleNetwork_Set() {
	n := transporttest.New(1)
	defer n.Close()
	a, b := n.Host("a"), n.Host("b")
	n.Set("a", "b", transporttest.Faults{Corrupt: 1}) // and nothing from b to a

	l, err := b.Listen("b:7000")
	if err != nil {
		panic(err)
	}
	c, err := a.Dial(context.Background(), "b:7000")
	if err != nil {
		panic(err)
	}
	d, err := l.Accept()
	if err != nil {
		panic(err)
	}

	fmt.Fprint(c, "hello")
	buf := make([]byte, 5)
	if _, err := io.ReadFull(d, buf); err != nil {
		panic(err)
	}
	fmt.Println(string(buf) == "hello", n.Stats("a", "b").Corrupted)

	n.Cut("a", transporttest.Any)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = a.Dial(ctx, "b:7000")
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output:
	// false 1
	// true
}
