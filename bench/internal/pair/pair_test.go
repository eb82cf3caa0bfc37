package pair_test

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/pair"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// The test binary is the serving process as well.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == pair.Flag {
		if err := pair.Serve(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// remote returns the systems that serve other processes.
func remote() (all []system.System) {
	for _, s := range system.All() {
		if s.Serve != nil {
			all = append(all, s)
		}
	}
	return all
}

// Every system must answer with what it got and deliver what it took, or its
// numbers mean nothing.
func TestEverySystemAnswersAndDelivers(t *testing.T) {
	for _, s := range remote() {
		t.Run(s.Name, func(t *testing.T) {
			p, err := pair.Start(s)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			outstanding := 8
			if s.CallsMax > 0 {
				outstanding = s.CallsMax
			}
			if _, err := load.Rate(p, outstanding, 20*time.Millisecond); err != nil {
				t.Errorf("calls: %v", err)
			}
			if s.CallsMax == 1 {
				return
			}
			f, err := load.OneWay(p, 1000, 100)
			if err != nil || f.Sent != 100 || f.Delivered != 100 {
				t.Errorf("%+v, %v, want 100 casts sent and delivered", f, err)
			}
		})
	}
}

// A serving process must be gone when its pair is closed, and calls must fail
// when it is killed.
func TestServingProcessEnds(t *testing.T) {
	s, err := system.ByName("tcp multiplexed")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pair.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := p.Wait(0, time.Second); err == nil {
		t.Error("the serving process answers after its end")
	}

	p, err = pair.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	calls.Go(func() {
		for {
			if _, err := p.Call(nil, []byte("x")); err != nil {
				return
			}
		}
	})
	p.Kill()
	calls.Wait()
	p.Close()
}

// each runs a benchmark against every system that serves other processes.
func each(b *testing.B, outstanding int, run func(b *testing.B, p *pair.Pair)) {
	for _, s := range remote() {
		if s.CallsMax > 0 && s.CallsMax < outstanding {
			continue
		}
		b.Run("peer="+s.Name, func(b *testing.B) {
			p, err := pair.Start(s)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			b.ReportAllocs()
			run(b, p)
		})
	}
}

// BenchmarkCall times calls from one process to another; what is allocated is of
// the caller's side.
func BenchmarkCall(b *testing.B) {
	for _, outstanding := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("outstanding=%d", outstanding), func(b *testing.B) {
			each(b, outstanding, func(b *testing.B, p *pair.Pair) {
				req := make([]byte, load.Small)
				b.SetParallelism((outstanding + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
				if outstanding == 1 {
					for b.Loop() {
						if _, err := p.Call(nil, req); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := p.Call(nil, req); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		})
	}
}

// BenchmarkCast times casts from one process to another, until the last has
// arrived.
func BenchmarkCast(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			each(b, 2, func(b *testing.B, p *pair.Pair) {
				b.SetBytes(int64(size))
				f, err := load.OneWay(p, size, b.N)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(f.Lost())/float64(b.N), "lost/op")
			})
		})
	}
}

func TestUnknownSystemIsAnError(t *testing.T) {
	for _, name := range []string{"no such", "channel"} {
		if err := pair.Serve(name, nil, nil); err == nil {
			t.Errorf("%q is served", name)
		}
	}
}
