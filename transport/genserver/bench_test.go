package genserver_test

import (
	"context"
	"testing"

	"github.com/clusterluck/clusterluck/transport/genserver"
)

type counter struct{ n int }

func startCounter(tb testing.TB, k genserver.Kernel) *genserver.Server {
	s, err := genserver.Start(k, "counter", func(_ context.Context, s *genserver.Server) error {
		n := 0
		genserver.Handle(s, "add", func(_ context.Context, _ genserver.From, req *counter) (*counter, error) {
			n += req.n
			return req, nil
		})
		genserver.Handle(s, "small", func(_ context.Context, _ genserver.From, req uint8) (bool, error) {
			n += int(req)
			return true, nil
		})
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Kill)
	return s
}

func BenchmarkChannel(b *testing.B) {
	type message struct {
		req *counter
		ch  chan *counter
	}
	for _, size := range []int{0, 1} {
		b.Run(map[int]string{0: "buffer=0", 1: "buffer=1"}[size], func(b *testing.B) {
			in := make(chan message, size)
			go func() {
				for m := range in {
					m.ch <- m.req
				}
			}()
			defer close(in)
			b.ReportAllocs()
			m := message{&counter{1}, make(chan *counter, size)}
			for b.Loop() {
				in <- m
				<-m.ch
			}
		})
	}
}

func BenchmarkCall(b *testing.B) {
	ctx := context.Background()
	k := loopback(b, "a")
	startCounter(b, k)
	b.Run("value=pointer", func(b *testing.B) {
		b.ReportAllocs()
		req := &counter{1}
		for b.Loop() {
			if _, err := genserver.Call[*counter](ctx, k, "counter", "add", req); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("value=small", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := genserver.Call[bool](ctx, k, "counter", "small", uint8(7)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("value=pointer/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			req := &counter{1}
			for p.Next() {
				if _, err := genserver.Call[*counter](ctx, k, "counter", "add", req); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkRemote is two nodes in one process, connected over loopback.
func BenchmarkRemote(b *testing.B) {
	ctx := context.Background()
	here, there := loopback(b, "here"), loopback(b, "there")
	if _, err := here.Connect(ctx, there.Addr()); err != nil {
		b.Fatal(err)
	}
	startCounter(b, there)
	b.Run("call", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := genserver.Call[bool](ctx, here, "counter@there", "small", uint8(7)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cast", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := genserver.Cast(ctx, here, "counter@there", "small", uint8(7)); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := genserver.Call[bool](ctx, here, "counter@there", "small", uint8(7)); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkCast(b *testing.B) {
	ctx := context.Background()
	k := loopback(b, "a")
	s := startCounter(b, k)
	b.Run("value=pointer", func(b *testing.B) {
		b.ReportAllocs()
		req := &counter{1}
		for b.Loop() {
			if err := genserver.Cast(ctx, k, "counter", "add", req); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := genserver.Call[*counter](ctx, k, "counter", "add", req); err != nil {
			b.Fatal(err)
		}
	})
	b.Logf("%+v", s.Stats())
}
