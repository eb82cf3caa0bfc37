package genserver_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// hello is the init of the README.
func hello(_ context.Context, s *genserver.Server) error {
	genserver.Handle(s, "hello", func(context.Context, genserver.From, any) (string, error) { return "world", nil })
	return nil
}

func nothing(context.Context, *genserver.Server) error { return nil }

func TestHelloIsAnsweredByWorldEverywhere(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("greeter", hello)
		start := time.Now()
		if got, err := call[string](p, "greeter", "hello", nil); got != "world" || err != nil {
			p.t.Fatalf("hello is answered by %q, %v", got, err)
		}
		took(p.t, start, 0)
	})
}

func TestStartRefuses(t *testing.T) {
	bubble(t, func(w *world) {
		k := w.nodes["a"]
		start(w, k, "taken", nothing)
		boom := errors.New("no disk")
		tests := []struct {
			name   string
			server string
			init   func(context.Context, *genserver.Server) error
			want   error
		}{
			{"a name that is taken", "taken", nothing, transport.ErrNameTaken},
			{"a name that looks like a reference", "a@b", nothing, transport.ErrName},
			{"a long name", strings.Repeat("x", 256), nothing, transport.ErrName},
			{"a name that is not UTF-8", "a\xff", nothing, transport.ErrName},
			{"an init that fails", "free", func(context.Context, *genserver.Server) error { return boom }, boom},
			{"an init that panics", "free", func(context.Context, *genserver.Server) error { panic("oh") }, transport.ErrCrashed},
			{"an init that ends its goroutine", "free", func(context.Context, *genserver.Server) error {
				runtime.Goexit()
				return nil
			}, transport.ErrCrashed},
			{"an event without a name", "free", func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "", func(context.Context, genserver.From, int) (int, error) { return 0, nil })
				return nil
			}, transport.ErrName},
			{"an init that calls its own server", "free", func(ctx context.Context, _ *genserver.Server) error {
				_, err := genserver.Call[int](ctx, k, "free", "x", nil)
				return err
			}, transport.ErrCallCycle},
			{"a mailbox that cannot be", "free", func(_ context.Context, s *genserver.Server) error {
				return s.SetMailbox(genserver.Mailbox{Len: -2})
			}, transport.ErrConfig},
		}
		for _, tt := range tests {
			if _, err := genserver.Start(k, tt.server, tt.init); !errors.Is(err, tt.want) {
				w.t.Errorf("%s: error is %v, want %v", tt.name, err, tt.want)
			}
		}
		start(w, k, "free", nothing) // nothing is left of those that failed
	})
}

func TestStartWithoutANameMakesOne(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		s, other := start(w, w.nodes["a"], "", hello), start(w, w.nodes["a"], "", hello)
		if s.Name() == "" || s.Name() == other.Name() {
			t.Fatalf("names are %q and %q", s.Name(), other.Name())
		}
		if got, err := genserver.Call[string](t.Context(), w.nodes["a"], s.Name(), "hello", nil); got != "world" {
			t.Fatalf("hello is answered by %q, %v", got, err)
		}
	})
}

func TestMessagesWaitForInit(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[int]
		reply := make(chan error, 1)
		p.start("srv", func(ctx context.Context, s *genserver.Server) error {
			go func() {
				_, err := call[int](p, "srv", "put", 7)
				reply <- err
			}()
			pass(time.Second)
			return recorder(&l, nil)(ctx, s)
		})
		if err := <-reply; err != nil {
			p.t.Fatal(err)
		}
		if got := l.list(); !slices.Equal(got, []int{7}) {
			p.t.Fatalf("handled %v", got)
		}
	})
}

func TestStopHandlesWhatWaits(t *testing.T) {
	for _, paused := range []bool{false, true} {
		everywhere(t, func(p *place) {
			var l log[int]
			hold := make(chan struct{})
			s := p.start("srv", recorder(&l, hold))
			if paused {
				s.Pause()
			} else if err := cast(p, "srv", "hold", nil); err != nil {
				p.t.Fatal(err)
			}
			for n := range 10 {
				if err := cast(p, "srv", "put", n); err != nil {
					p.t.Fatal(err)
				}
			}
			settle()
			time.AfterFunc(time.Second, func() { close(hold) })
			if err := s.Stop(p.t.Context()); err != nil {
				p.t.Fatal(err)
			}
			if got := l.list(); !slices.Equal(got, numbers(0, 10)) {
				p.t.Fatalf("handled %v before it stopped", got)
			}
			want(p.t, s.Err(), transport.ErrStopped)
			_, err := call[int](p, "srv", "put", 1)
			want(p.t, err, transport.ErrNoServer)
			p.start("srv", hello) // the name is free
		})
	}
}

func TestStopTakesNothingNew(t *testing.T) {
	everywhere(t, func(p *place) {
		hold := make(chan struct{})
		s := p.start("srv", recorder(new(log[int]), hold))
		if err := cast(p, "srv", "hold", nil); err != nil {
			p.t.Fatal(err)
		}
		settle()
		go s.Stop(p.t.Context())
		settle()
		start := time.Now()
		_, err := call[int](p, "srv", "put", 1)
		want(p.t, err, transport.ErrNoServer)
		took(p.t, start, 0)
		if !transport.NotDelivered(err) {
			p.t.Errorf("%v may have been delivered", err)
		}
		_, err = genserver.Start(p.there, "srv", nothing)
		want(p.t, err, transport.ErrNameTaken)
		close(hold)
		<-s.Done()
	})
}

func TestStopWaitsForAnswersThatComeLater(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "slow", func(ctx context.Context, from genserver.From, n int) (int, error) {
				return genserver.Async(ctx, from, func(context.Context) (int, error) {
					pass(time.Second)
					return n + 1, nil
				})
			})
			return nil
		})
		start := time.Now()
		reply := make(chan int, 1)
		go func() {
			n, err := call[int](p, "srv", "slow", 1)
			if err != nil {
				p.t.Error(err)
			}
			reply <- n
		}()
		settle()
		if err := s.Stop(p.t.Context()); err != nil {
			p.t.Fatal(err)
		}
		took(p.t, start, time.Second)
		if got := <-reply; got != 2 {
			p.t.Fatalf("replied %d", got)
		}
	})
}

func TestStopKillsWhenItsContextEnds(t *testing.T) {
	everywhere(t, func(p *place) {
		hold := make(chan struct{})
		s := p.start("srv", recorder(new(log[int]), hold))
		failed := make(chan error, 2)
		for _, event := range []string{"hold", "put"} {
			go func() {
				_, err := call[any](p, "srv", event, 1)
				failed <- err
			}()
			settle()
		}
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		want(p.t, s.Stop(ctx), context.DeadlineExceeded)
		took(p.t, start, time.Second)
		one, two := <-failed, <-failed
		if errors.Is(one, transport.ErrNoServer) {
			one, two = two, one
		}
		want(p.t, one, transport.ErrStopped) // it ran
		want(p.t, two, transport.ErrNoServer)
		if transport.NotDelivered(one) || !transport.NotDelivered(two) {
			p.t.Errorf("delivered: %v, %v", one, two)
		}
		<-s.Done()
	})
}

func TestStopFromAHandlerDoesNotWaitForItself(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "stop", func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
				return true, s.Stop(ctx)
			})
			return nil
		})
		if ok, err := call[bool](p, "srv", "stop", nil); !ok || err != nil {
			p.t.Fatalf("replied %v, %v", ok, err)
		}
		<-s.Done()
	})
}

func TestKillEndsTheContextOfTheHandler(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		var ended log[error]
		var reasons log[error]
		s := start(w, w.nodes["a"], "srv", func(_ context.Context, s *genserver.Server) error {
			s.OnStop(func(reason error) { reasons.add(reason) })
			wait := func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
				<-ctx.Done()
				ended.add(ctx.Err())
				return true, nil
			}
			genserver.Handle(s, "wait", wait)
			return nil
		})
		for range 2 {
			if err := genserver.Cast(t.Context(), w.nodes["a"], "srv", "wait", nil); err != nil {
				t.Fatal(err)
			}
		}
		settle()
		s.Kill()
		s.Kill()
		<-s.Done()
		if got := ended.list(); !slices.Equal(got, []error{context.Canceled}) {
			t.Errorf("handlers ended with %v, want one", got)
		}
		if got := reasons.list(); len(got) != 1 || !errors.Is(got[0], transport.ErrStopped) {
			t.Errorf("OnStop was told %v", got)
		}
		if got := s.Stats().Unhandled; got != 1 {
			t.Errorf("%d casts counted as unhandled, want 1", got)
		}
	})
}

func TestOnStopRunsInReverseAndSurvivesPanics(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		var order log[int]
		s := start(w, w.nodes["a"], "srv", func(_ context.Context, s *genserver.Server) error {
			for n := range 3 {
				s.OnStop(func(error) {
					order.add(n)
					if n == 1 {
						panic("in the middle")
					}
				})
			}
			return nil
		})
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := order.list(); !slices.Equal(got, []int{2, 1, 0}) {
			t.Errorf("order is %v", got)
		}
	})
}

func TestKillDoesNotWaitForOnStop(t *testing.T) {
	bubble(t, func(w *world) {
		hang := make(chan struct{})
		s := start(w, w.nodes["a"], "srv", func(_ context.Context, s *genserver.Server) error {
			s.OnStop(func(error) { <-hang })
			return nil
		})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		want(w.t, s.Stop(ctx), context.DeadlineExceeded)
		took(w.t, begin, time.Second)
		<-s.Done()
		start(w, w.nodes["a"], "srv", nothing) // the name is free
		close(hang)
	})
}

// The process must survive whatever a handler does, and each call must end at
// once: the one that crashed the server, one to be answered later, and one that
// waits.
func TestCrashFailsCallsAtOnce(t *testing.T) {
	crashes := map[string]func(){
		"panic":     func() { panic("kaboom") },
		"panic nil": func() { panic(nil) },
		"goexit":    runtime.Goexit,
	}
	for how, crash := range crashes {
		t.Run(how, func(t *testing.T) {
			everywhere(t, func(p *place) {
				hold := make(chan struct{})
				var seen log[genserver.Observation]
				s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
					s.Observe(seen.add)
					genserver.Handle(s, "crash", func(context.Context, genserver.From, any) (int, error) {
						<-hold
						crash()
						return 0, nil
					})
					genserver.Handle(s, "later", func(context.Context, genserver.From, any) (int, error) { return 0, genserver.Later })
					return nil
				})
				ends := make(map[string]chan error)
				for _, event := range []string{"later", "crash", "waits"} {
					end := make(chan error, 1)
					ends[event] = end
					go func() {
						_, err := call[int](p, "srv", event, nil)
						end <- err
					}()
					settle()
				}
				start := time.Now()
				close(hold)
				err := <-ends["crash"]
				want(p.t, err, transport.ErrCrashed)
				if how == "panic" && !strings.Contains(err.Error(), "kaboom") || strings.Contains(err.Error(), ".go:") {
					p.t.Errorf("the caller is told %q", err)
				}
				want(p.t, <-ends["later"], transport.ErrCrashed)
				want(p.t, <-ends["waits"], transport.ErrNoServer)
				took(p.t, start, 0)
				<-s.Done()
				want(p.t, s.Err(), transport.ErrCrashed)
				var stack *genserver.CrashError
				for _, o := range seen.list() {
					errors.As(o.Err, &stack)
				}
				if stack == nil || stack.Event != "crash" || !strings.Contains(string(stack.Stack), "server_test.go") {
					p.t.Errorf("the observer was told %+v", stack)
				}
				var told *genserver.CrashError
				if errors.As(err, &told) && told.Stack != nil {
					p.t.Error("the caller is told the stack")
				}
				if got := s.Stats().Crashes; got != 1 {
					p.t.Errorf("%d crashes counted", got)
				}
			})
		})
	}
}

// Nothing that a server was given may be kept when it has ended.
func TestServersThatEndedKeepNothing(t *testing.T) {
	bubble(t, func(w *world) {
		var freed atomic.Int32
		given := func() *order {
			o := &order{Notes: make([]string, 100)}
			runtime.AddCleanup(o, func(int) { freed.Add(1) }, 0)
			return o
		}
		for _, end := range []func(s *genserver.Server){(*genserver.Server).Kill, func(s *genserver.Server) { s.Stop(w.t.Context()) }} {
			s := start(w, w.nodes["a"], "srv", func(_ context.Context, s *genserver.Server) error {
				s.Every(time.Hour, "x", given())
				s.SendAfter(time.Hour, "x", given())
				return nil
			})
			end(s)
			settle()
			s.SendAfter(time.Hour, "x", given())
			s.Every(time.Hour, "x", given())
		}
		settle()
		collect()
		if got := freed.Load(); got < 6 { // the runtime may hold on to a timer that was stopped
			w.t.Errorf("%d of 8 are free", got)
		}
	})
}

// Casts from many goroutines must all arrive, each sender's in order, whatever
// pauses come between.
func TestPauseAndResumeLoseNothing(t *testing.T) {
	for _, policy := range []genserver.Mailbox{{}, {Len: 3}, {Bytes: 40}} {
		everywhere(t, func(p *place) {
			const senders, each = 8, 200
			var l log[int]
			s := p.start("srv", func(ctx context.Context, s *genserver.Server) error {
				recorder(&l, nil)(ctx, s)
				return s.SetMailbox(policy)
			})
			var wait sync.WaitGroup
			for i := range senders {
				wait.Go(func() {
					for n := range each {
						if err := cast(p, "srv", "put", i*each+n); err != nil {
							p.t.Error(err)
						}
						if n%50 == 0 {
							pass(time.Millisecond)
						}
					}
				})
			}
			for range 20 {
				s.Pause()
				s.Pause()
				settle()
				before := len(l.list())
				pass(time.Millisecond)
				if after := len(l.list()); after != before {
					p.t.Fatalf("%d messages were handled during a pause", after-before)
				}
				s.Resume()
				s.Resume()
				pass(100 * time.Microsecond)
			}
			wait.Wait()
			if _, err := call[int](p, "srv", "put", -1); err != nil {
				p.t.Fatal(err)
			}
			next := make([]int, senders)
			got := l.list()
			for _, n := range got[:len(got)-1] {
				if i := n / each; n%each != next[i] {
					p.t.Fatalf("sender %d: message %d comes in place of %d", i, n%each, next[i])
				} else {
					next[i]++
				}
			}
			if len(got) != senders*each+1 {
				p.t.Fatalf("%d messages of %d were handled", len(got)-1, senders*each)
			}
		})
	}
}

func TestCallsWaitDuringAPause(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", hello)
		s.Pause()
		start := time.Now()
		time.AfterFunc(2*time.Second, s.Resume)
		if got, err := call[string](p, "srv", "hello", nil); got != "world" || err != nil {
			p.t.Fatalf("replied %q, %v", got, err)
		}
		took(p.t, start, 2*time.Second)
		s.Pause()
		start = time.Now()
		_, err := call[string](p, "srv", "hello", nil)
		want(p.t, err, transport.ErrTimeout)
		took(p.t, start, 5*time.Second)
	})
}

// A handler that nobody could reach must not be missing in silence.
func TestABadEventNameAfterInitIsACrash(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "add", func(_ context.Context, _ genserver.From, name string) (bool, error) {
				genserver.Handle(s, name, func(context.Context, genserver.From, any) (bool, error) { return true, nil })
				return true, nil
			})
			return nil
		})
		if _, err := call[bool](p, "srv", "add", "fine"); err != nil {
			p.t.Fatal(err)
		}
		_, err := call[bool](p, "srv", "add", strings.Repeat("x", 256))
		want(p.t, err, transport.ErrCrashed)
		<-s.Done()
		if err := s.Err(); !errors.Is(err, transport.ErrCrashed) || !strings.Contains(err.Error(), "256 bytes") {
			p.t.Errorf("it ended with %v", err)
		}
	})
}

func TestHandlersAreReplacedWhileTheServerRuns(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "flip", func(context.Context, genserver.From, any) (int, error) {
				genserver.Handle(s, "flip", func(context.Context, genserver.From, any) (int, error) { return 2, nil })
				return 1, nil
			})
			return nil
		})
		for n := 1; n <= 2; n++ {
			if got, err := call[int](p, "srv", "flip", nil); got != n || err != nil {
				p.t.Fatalf("call %d is answered by %d, %v", n, got, err)
			}
		}
	})
}
