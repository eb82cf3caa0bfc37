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

func BenchmarkCallOneServer(b *testing.B) {
	x, y := node(b, "a", nil), node(b, "b", nil)
	c := &clerk{make(chan transport.Delivery, 4096)}
	go func() {
		for d := range c.calls {
			d.Call.Reply(d.Body)
		}
	}()
	y.Register("echo", c)
	x.Connect(b.Context(), y.Addr())
	body := make([]byte, 64)
	for _, n := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("outstanding=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(n/2, 1))
			if n == 1 {
				for b.Loop() {
					if _, err := x.Call(context.Background(), "b", "echo", transport.Message{Body: body}); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := x.Call(context.Background(), "b", "echo", transport.Message{Body: body}); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
