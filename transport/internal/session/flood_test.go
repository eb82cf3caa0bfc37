package session_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// memory returns the bytes that heap and stacks take now.
func memory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// Real sockets that say nothing, from one process that holds both ends: they cost
// less than 64 MiB together, and are closed. Their time is cut to a second here,
// and a busy machine is given five more; [TestIdleSocketsAreBounded] is exact.
func TestIdleSocketsCostLittle(t *testing.T) {
	count := 2000 // leaves room below a limit of 4,096 descriptors
	if *long {
		count = 5000
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := session.NewGate(session.GateConfig{Timeout: time.Second, PerAddress: 256})
	ctx, cancel := context.WithCancel(t.Context())
	served, bob := make(chan error), local(t, "bob", cookie)
	runtime.GC()
	before := memory()
	go func() {
		served <- g.Serve(ctx, l, func(ctx context.Context, c net.Conn) error {
			_, err := session.Respond(ctx, c, bob)
			return err
		})
	}()

	var sockets []net.Conn
	most := int64(0)
	for n := range count {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatalf("socket %d: %v", n, err)
		}
		defer c.Close()
		sockets = append(sockets, c)
		if n%500 == 499 {
			most = max(most, memory())
		}
	}
	most = max(most, memory())
	dialed := time.Now()
	for n, c := range sockets {
		c.SetReadDeadline(dialed.Add(6 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("socket %d: %v", n, err)
		}
	}
	slowest := time.Since(dialed)
	cost := most - before
	if cost > 64<<20 {
		t.Errorf("%d sockets cost %d bytes", count, cost)
	}
	t.Logf("%d sockets cost %d KiB with both ends, and the last was closed %v after it came", count, cost>>10, slowest)
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if s := g.Stats(); s.Accepted != uint64(count) || s.Reading+s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
}
