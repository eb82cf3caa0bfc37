package transport_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
)

// A counter counts casts and says when there were enough.
type counter struct {
	left atomic.Int64
	done chan struct{}
}

func (c *counter) Deliver(*transport.Delivery) bool {
	if c.left.Add(-1) == 0 {
		c.done <- struct{}{}
	}
	return true
}

func (c *counter) Cancel(transport.CallRef)  {}
func (c *counter) LinkDown(transport.LinkID) {}

func BenchmarkCast(b *testing.B) {
	x, y := node(b, "a", nil), node(b, "b", nil)
	c := &counter{done: make(chan struct{}, 1)}
	y.Register("counter", c)
	x.Connect(b.Context(), y.Addr())
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			body := make([]byte, size)
			c.left.Store(int64(b.N))
			for range b.N {
				if err := x.Cast(context.Background(), "b", "counter", transport.Message{Body: body}); err != nil {
					b.Fatal(err)
				}
			}
			<-c.done
		})
	}
}

// A clerk answers calls one by one on its own goroutine, as a server does.
type clerk struct{ calls chan transport.Delivery }

func (c *clerk) Deliver(d *transport.Delivery) bool { c.calls <- *d; return true }
func (c *clerk) Cancel(transport.CallRef)           {}
func (c *clerk) LinkDown(transport.LinkID)          {}

// Each call is answered by a goroutine of its own, or all by one.
func BenchmarkCall(b *testing.B) {
	x, y := node(b, "a", nil), node(b, "b", nil)
	c := &clerk{make(chan transport.Delivery, 4096)}
	go func() {
		for d := range c.calls {
			d.Call.Reply(d.Body)
		}
	}()
	y.Register("many", &echo{})
	y.Register("one", c)
	x.Connect(b.Context(), y.Addr())
	for _, server := range []string{"many", "one"} {
		for _, n := range []int{1, 64, 1024} {
			b.Run(fmt.Sprintf("server=%s/outstanding=%d", server, n), func(b *testing.B) { benchmarkCalls(b, x, server, n) })
		}
	}
}

// benchmarkCalls makes calls, n at once.
func benchmarkCalls(b *testing.B, x *transport.Kernel, server string, n int) {
	b.ReportAllocs()
	m := transport.Message{Body: make([]byte, 64)}
	call := func() {
		if _, err := x.Call(context.Background(), "b", server, m); err != nil {
			b.Error(err)
		}
	}
	if n == 1 {
		for b.Loop() {
			call()
		}
		return
	}
	b.SetParallelism(n / 2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call()
		}
	})
}
