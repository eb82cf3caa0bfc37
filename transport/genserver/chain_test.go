package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// forward is an init whose handler of "via" calls the servers of a list, one
// after the other, each by the one before.
func forward(k genserver.Kernel) func(context.Context, *genserver.Server) error {
	return func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "via", func(ctx context.Context, _ genserver.From, path []string) (string, error) {
			if len(path) == 0 {
				return s.Name(), nil
			}
			got, err := genserver.Call[string](ctx, k, path[0], "via", path[1:])
			return s.Name() + " " + got, err
		})
		genserver.Handle(s, "async", func(ctx context.Context, from genserver.From, path []string) (string, error) {
			return genserver.Async(ctx, from, func(ctx context.Context) (string, error) {
				got, err := genserver.Call[string](ctx, k, path[0], "via", path[1:])
				return s.Name() + " " + got, err
			})
		})
		return nil
	}
}

func TestCallCyclesFailAtOnce(t *testing.T) {
	everywhere(t, func(p *place) {
		for _, k := range p.nodes {
			for _, name := range []string{"x", "y", "z"} {
				start(p.world, k, name, forward(k))
			}
		}
		here := "@" + p.there.ID()
		tests := []struct {
			name  string
			path  []string
			cycle bool
		}{
			{"to itself", []string{"x"}, true},
			{"to itself, with the node", []string{"x" + here}, true},
			{"back from one other", []string{"y", "x"}, true},
			{"back from two others", []string{"y", "z", "x"}, true},
			{"not to the first", []string{"y", "z", "y"}, true},
			{"over another node", []string{"y@a", "x" + here}, true},
			{"over two other nodes", []string{"y@a", "z@b", "y@b", "x" + here}, true},
			{"within another node", []string{"y@a", "z@a", "y@a"}, p.there.ID() != "a"},
			{"no cycle", []string{"y", "z"}, false},
			{"the same names on another node", []string{"x@a", "y@a"}, false},
		}
		for _, id := range []string{"a", "b"} {
			p.nodes["e"].Know(id, id+":1")
			p.nodes[id].Know("e", "e:1")
		}
		for _, tt := range tests {
			start := time.Now()
			got, err := call[string](p, "x", "via", tt.path)
			if d := time.Since(start); d > 100*time.Millisecond {
				p.t.Errorf("%s: took %v", tt.name, d)
			}
			if !tt.cycle {
				if err != nil || strings.Count(got, " ") != len(tt.path) {
					p.t.Errorf("%s: replied %q, %v", tt.name, got, err)
				}
				continue
			}
			if err == nil || !strings.Contains(err.Error(), transport.ErrCallCycle.Error()) {
				p.t.Errorf("%s: replied %q, %v", tt.name, got, err)
			}
		}
		if got, err := call[string](p, "x", "via", nil); got != "x" || err != nil {
			p.t.Errorf("after all that x replies %q, %v", got, err)
		}
	})
}

// A server that left a call to be answered later is free, so that calling it is
// no cycle.
func TestServersThatAnswerLaterCanBeCalledBack(t *testing.T) {
	everywhere(t, func(p *place) {
		for _, name := range []string{"x", "y"} {
			p.start(name, forward(p.there))
		}
		start(p.world, p.nodes["a"], "far", forward(p.nodes["a"]))
		p.nodes["e"].Know("a", "a:1")
		p.nodes["a"].Know("e", "e:1")
		for _, path := range [][]string{{"x"}, {"y", "x"}, {"far@a", "x@" + p.there.ID()}} {
			if got, err := call[string](p, "x", "async", path); err != nil || strings.Count(got, "x") != 2 {
				p.t.Errorf("%v: replied %q, %v", path, got, err)
			}
		}
		// Whoever waits for x waits for what x left to a goroutine.
		_, err := call[string](p, "y", "via", []string{"x", "y"})
		if err == nil || !strings.Contains(err.Error(), transport.ErrCallCycle.Error()) {
			p.t.Errorf("a cycle over a server that waits: %v", err)
		}
	})
}

// A handler may leave the rest of its work to a goroutine by hand. What that
// sends says at once that the server does not wait for it, though the handler may
// not have returned yet.
func TestDetachedContextsAreNotOfTheHandler(t *testing.T) {
	everywhere(t, func(p *place) {
		p.nodes["e"].Know("a", "a:1")
		p.nodes["a"].Know("e", "e:1")
		far := p.nodes["a"]
		arrived, goOn := make(chan struct{}), make(chan struct{})
		start(p.world, far, "y", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "back", func(ctx context.Context, _ genserver.From, _ any) (string, error) {
				arrived <- struct{}{}
				<-goOn
				return genserver.Call[string](ctx, far, "x@"+p.there.ID(), "hello", nil)
			})
			return nil
		})
		work := func(ctx context.Context) (string, error) {
			return genserver.Call[string](ctx, p.there, "y@a", "back", nil)
		}
		p.start("x", func(ctx context.Context, s *genserver.Server) error {
			genserver.Handle(s, "async", func(ctx context.Context, from genserver.From, _ any) (string, error) {
				defer func() { <-arrived }() // it returns when its goroutine has made the call
				return genserver.Async(ctx, from, work)
			})
			genserver.Handle(s, "by hand", func(ctx context.Context, from genserver.From, _ any) (string, error) {
				go func() {
					got, err := work(genserver.Detach(ctx))
					if err != nil {
						from.ReplyError(err)
					}
					from.Reply(got)
				}()
				<-arrived
				return "", genserver.Later
			})
			genserver.Handle(s, "after", func(ctx context.Context, from genserver.From, _ any) (string, error) {
				time.AfterFunc(time.Second, func() { // the context itself knows that its handler has returned
					go func() { <-arrived }()
					got, err := work(ctx)
					if err != nil {
						from.ReplyError(err)
					}
					from.Reply(got)
				})
				return "", genserver.Later
			})
			return hello(ctx, s)
		})
		for _, event := range []string{"async", "by hand", "after"} {
			time.AfterFunc(2*time.Second, func() { goOn <- struct{}{} })
			if got, err := call[string](p, "x", event, nil); got != "world" || err != nil {
				p.t.Errorf("%s: replied %q, %v", event, got, err)
			}
		}
	})
}

// Servers on other nodes that wait for a call wait for what it leaves to a
// goroutine, too.
func TestDetachedContextsKeepWhoWaits(t *testing.T) {
	bubble(t, func(w *world) {
		start(w, w.nodes["a"], "v", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "go", func(ctx context.Context, _ genserver.From, _ any) (string, error) {
				return genserver.Call[string](ctx, w.nodes["a"], "x@b", "async", []string{"v@a"})
			})
			return nil
		})
		start(w, w.nodes["b"], "x", forward(w.nodes["b"]))
		begin := time.Now()
		_, err := genserver.Call[string](w.t.Context(), w.nodes["a"], "v", "go", nil)
		if err == nil || !strings.Contains(err.Error(), transport.ErrCallCycle.Error()) {
			w.t.Errorf("a cycle over a goroutine: %v", err)
		}
		took(w.t, begin, 0)
	})
}

// A handler that has answered early keeps only its own server waiting.
func TestHandlersThatAnsweredEarly(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[string]
		note := func(what string, err error) { l.add(fmt.Sprint(what, " ", err == nil)) }
		p.start("x", func(ctx context.Context, s *genserver.Server) error {
			genserver.Handle(s, "early", func(ctx context.Context, from genserver.From, _ any) (string, error) {
				from.Reply("early") // which ends the context
				ctx = context.WithoutCancel(ctx)
				_, err := genserver.Call[string](ctx, p.there, "w", "hello", nil)
				note("the caller", err)
				_, err = genserver.Call[string](ctx, p.there, "x", "hello", nil)
				note("itself", err)
				time.AfterFunc(time.Second, func() {
					_, err := genserver.Call[string](ctx, p.there, "x", "hello", nil)
					note("its server, later", err)
				})
				return "", nil
			})
			return hello(ctx, s)
		})
		p.start("w", func(ctx context.Context, s *genserver.Server) error {
			genserver.Handle(s, "go", func(ctx context.Context, _ genserver.From, _ any) (string, error) {
				return genserver.Call[string](ctx, p.there, "x", "early", nil)
			})
			return hello(ctx, s)
		})
		begin := time.Now()
		if got, err := call[string](p, "w", "go", nil); got != "early" || err != nil {
			p.t.Errorf("replied %q, %v", got, err)
		}
		pass(2 * time.Second)
		if got, want := l.list(), []string{"the caller true", "itself false", "its server, later true"}; !slices.Equal(got, want) {
			p.t.Errorf("calls after the reply: %q, want %q", got, want)
		}
		if d := time.Since(begin); d > 3*time.Second {
			p.t.Errorf("it took %v", d)
		}
	})
}

// A counting kernel counts the calls to other nodes.
type counting struct {
	genserver.Kernel
	calls atomic.Int32
}

func (k *counting) Call(ctx context.Context, node, name string, m transport.Message) (transport.Answer, error) {
	k.calls.Add(1)
	return k.Kernel.Call(ctx, node, name, m)
}

// Each end notices a cycle by itself: the caller before it sends anything, the
// server before the message waits.
func TestBothEndsNoticeCycles(t *testing.T) {
	bubble(t, func(w *world) {
		start(w, w.nodes["a"], "x", forward(w.nodes["a"]))
		k := &counting{Kernel: w.nodes["b"]}
		start(w, w.nodes["b"], "y", forward(k))
		_, err := genserver.Call[string](w.t.Context(), w.nodes["a"], "x", "via", []string{"y@b", "x@a"})
		if err == nil || k.calls.Load() != 0 {
			w.t.Errorf("%v, after %d calls", err, k.calls.Load())
		}
		_, err = w.nodes["a"].Call(w.t.Context(), "b", "y", transport.Message{
			Hdr: []byte("\xa1\x01\x82\x63q@a\x63y@b"), Body: []byte("\x82\x63via\x80"),
		})
		want(w.t, err, transport.ErrCallCycle)
	})
}

func TestACallFromACastIsNoCycle(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[string]
		p.start("y", forward(p.there))
		p.start("x", func(ctx context.Context, s *genserver.Server) error {
			genserver.Handle(s, "start", func(ctx context.Context, _ genserver.From, ref string) (int, error) {
				got, err := genserver.Call[string](ctx, p.there, ref, "via", nil)
				l.add(fmt.Sprint(got, err))
				return 0, err
			})
			return nil
		})
		for _, ref := range []string{"y", "x"} {
			if err := cast(p, "x", "start", ref); err != nil {
				p.t.Fatal(err)
			}
		}
		got := l.list()
		if len(got) != 2 || got[0] != "y<nil>" || !strings.Contains(got[1], transport.ErrCallCycle.Error()) {
			p.t.Errorf("calls from a cast end with %q", got)
		}
	})
}

type ownKey struct{}

// What init started may call the server when it is there. Whether a goroutine that
// a cast's handler started may, says Detach.
func TestGoroutinesMayCallTheirServer(t *testing.T) {
	everywhere(t, func(p *place) {
		ends := make(chan error, 2)
		later := func(ctx context.Context) {
			pass(time.Second)
			_, err := genserver.Call[string](ctx, p.there, "srv", "hello", nil)
			ends <- err
		}
		p.start("srv", func(ctx context.Context, s *genserver.Server) error {
			if _, err := genserver.Call[string](ctx, p.there, "srv", "hello", nil); !errors.Is(err, transport.ErrCallCycle) {
				p.t.Errorf("init calls its own server: %v", err)
			}
			go later(ctx)
			genserver.Handle(s, "begin", func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
				go later(genserver.Detach(ctx))
				return true, nil
			})
			return hello(ctx, s)
		})
		if err := cast(p, "srv", "begin", nil); err != nil {
			p.t.Fatal(err)
		}
		for range 2 {
			want(p.t, <-ends, nil)
		}
	})
}

// Two calls that cross are no chain: nobody notices, and each ends at its
// deadline.
func TestCallsThatCrossTimeOut(t *testing.T) {
	everywhere(t, func(p *place) {
		cross := func(other string) func(context.Context, *genserver.Server) error {
			return func(ctx context.Context, s *genserver.Server) error {
				genserver.Handle(s, "cross", func(ctx context.Context, _ genserver.From, _ any) (string, error) {
					pass(time.Millisecond) // until the other has its call
					return genserver.Call[string](ctx, p.there, other, "hello", nil)
				})
				return hello(ctx, s)
			}
		}
		p.start("x", cross("y"))
		p.start("y", cross("x"))
		begin := time.Now()
		ends := make(chan error, 2)
		for _, name := range []string{"x", "y"} {
			go func() {
				_, err := call[string](p, name, "cross", nil)
				ends <- err
			}()
		}
		for range 2 {
			if err := <-ends; !errors.Is(err, transport.ErrTimeout) && !errors.Is(err, genserver.ErrNested) && err != nil {
				p.t.Errorf("ended with %v", err)
			}
		}
		if d := time.Since(begin); d < 5*time.Second || d > 5200*time.Millisecond {
			p.t.Errorf("it took %v", d)
		}
		for _, name := range []string{"x", "y"} {
			if got, err := call[string](p, name, "hello", nil); got != "world" || err != nil {
				p.t.Errorf("after that %s replies %q, %v", name, got, err)
			}
		}
	})
}

// Requests are allocated many at once, so that a request that kept its caller's
// would keep all of its neighbours' callers, and theirs, without end.
func TestServersThatCallEachOtherKeepNothing(t *testing.T) {
	bubble(t, func(w *world) {
		k := w.nodes["a"]
		p := &place{w, k, k}
		for _, name := range []string{"x", "y"} {
			p.start(name, forward(k))
		}
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		both := func(rounds int) {
			for range rounds {
				for name, path := range map[string][]string{"x": {"y"}, "y": {"x"}} {
					if _, err := call[string](p, name, "via", path); err != nil {
						p.t.Fatal(err)
					}
				}
			}
		}
		both(200)
		for range 20 { // so that the two servers' chunks do not begin together
			if _, err := call[string](p, "x", "via", nil); err != nil {
				p.t.Fatal(err)
			}
		}
		before := heap()
		both(5000)
		if after := heap(); after > before+512<<10 {
			p.t.Errorf("the heap grew from %d to %d bytes", before, after)
		}
	})
}

func TestTracesTravel(t *testing.T) {
	everywhere(t, func(p *place) {
		trace := map[string]string{"traceparent": "00-1-2-01", "tenant": "x"}
		var seen log[map[string]string]
		for _, name := range []string{"x", "y"} {
			p.start(name, func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "go", func(ctx context.Context, _ genserver.From, on bool) (int, error) {
					seen.add(genserver.Trace(ctx))
					if !on {
						return 0, nil
					}
					if err := genserver.Cast(ctx, p.there, "y", "go", false); err != nil {
						return 0, err
					}
					return genserver.Call[int](context.WithValue(ctx, ownKey{}, 2), p.there, "y", "go", false)
				})
				return nil
			})
		}
		ctx := genserver.WithTrace(p.t.Context(), trace)
		if _, err := genserver.Call[int](ctx, p.here, p.ref("x"), "go", true); err != nil {
			p.t.Fatal(err)
		}
		if err := genserver.Cast(ctx, p.here, p.ref("x"), "go", true); err != nil {
			p.t.Fatal(err)
		}
		for i, got := range seen.list() {
			if !maps.Equal(got, trace) {
				p.t.Errorf("handler %d has the trace %v", i, got)
			}
		}
		if n := len(seen.list()); n != 6 {
			p.t.Errorf("%d handlers ran", n)
		}
		if _, err := call[int](p, "x", "go", false); err != nil || seen.list()[6] != nil {
			p.t.Errorf("without a trace there is %v, %v", seen.list()[6], err)
		}
		ctx = genserver.WithTrace(p.t.Context(), map[string]string{"x": strings.Repeat("y", 5000)})
		if _, err := genserver.Call[int](ctx, p.here, p.ref("x"), "go", false); p.here != p.there {
			want(p.t, err, transport.ErrTooLarge)
		}
	})
}
