package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// An order is a request with something of each kind in it.
type order struct {
	ID    string            `cbor:"id"`
	Count int               `cbor:"count"`
	Price float64           `cbor:"price"`
	Paid  bool              `cbor:"paid"`
	Notes []string          `cbor:"notes"`
	Tags  map[string][]byte `cbor:"tags"`
	At    time.Time         `cbor:"at"`
	Next  *order            `cbor:"next"`
}

// echo registers a handler that replies with its request, of type T.
func echo[T any](s *genserver.Server, event string) {
	genserver.Handle(s, event, func(_ context.Context, _ genserver.From, v T) (T, error) { return v, nil })
}

// roundTrip sends a T and fails the test unless the same T returns.
func roundTrip[T any](p *place, event string, v T) {
	p.t.Helper()
	if got, err := call[T](p, "echo", event, v); err != nil || !reflect.DeepEqual(got, v) {
		p.t.Errorf("%s: %#v returns as %#v, %v", event, v, got, err)
	}
}

func TestValuesSurviveBothWays(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		p.start("echo", func(_ context.Context, s *genserver.Server) error {
			echo[string](s, "string")
			echo[int64](s, "int64")
			echo[float64](s, "float64")
			echo[bool](s, "bool")
			echo[[]byte](s, "bytes")
			echo[[]string](s, "strings")
			echo[map[string]int](s, "map")
			echo[order](s, "order")
			echo[*order](s, "pointer")
			echo[time.Time](s, "time")
			echo[struct{}](s, "nothing")
			return nil
		})
		at := time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC)
		full := order{"x", -3, 0.1, true, []string{"a"}, map[string][]byte{"b": {0, 255}}, at, &order{ID: "y", At: at}}
		roundTrip(p, "string", "caf\u00e9 \x00")
		roundTrip(p, "int64", int64(math.MinInt64))
		roundTrip(p, "float64", math.Inf(-1))
		roundTrip(p, "bool", true)
		roundTrip(p, "bytes", []byte{0, 1, 254})
		roundTrip(p, "bytes", []byte(nil))
		roundTrip(p, "strings", []string{"", "b"})
		roundTrip(p, "map", map[string]int{"__proto__": 1, "": -2})
		roundTrip(p, "order", full)
		roundTrip(p, "pointer", &full)
		roundTrip(p, "pointer", (*order)(nil))
		roundTrip(p, "time", at)
		roundTrip(p, "nothing", struct{}{})
	})
}

// A caller and a handler that name different types understand each other as far
// as the encodings do, on one node as between two.
func TestTypesThatDifferAreConvertedAlike(t *testing.T) {
	type brief struct {
		ID    string `cbor:"id"`
		Extra int    `cbor:"extra"`
	}
	everywhereAndTCP(t, func(p *place) {
		p.start("echo", func(_ context.Context, s *genserver.Server) error {
			echo[order](s, "order")
			echo[any](s, "any")
			echo[int8](s, "int8")
			return nil
		})
		if got, err := call[*brief](p, "echo", "order", map[string]any{"id": "x", "count": 7}); err != nil || *got != (brief{ID: "x"}) {
			p.t.Errorf("an order comes back as %+v, %v", got, err)
		}
		if got, err := call[order](p, "echo", "order", nil); err != nil || !reflect.DeepEqual(got, order{}) {
			p.t.Errorf("nil comes back as %+v, %v", got, err)
		}
		if got, err := call[any](p, "echo", "any", order{ID: "x"}); err != nil || reflect.TypeOf(got).Kind() != reflect.Map {
			p.t.Errorf("an order as any comes back as %T, %v", got, err)
		}
		if got, err := call[any](p, "echo", "any", 7); err != nil || got != uint64(7) {
			p.t.Errorf("7 as any comes back as %T %v, %v", got, got, err)
		}
		for _, bad := range []any{300, "7", []int{7}, 0.5} {
			_, err := call[int8](p, "echo", "int8", bad)
			want(p.t, err, transport.ErrBadRequest)
		}
		_, err := call[string](p, "echo", "int8", 7)
		want(p.t, err, genserver.ErrBadReply)
		if transport.NotDelivered(err) {
			p.t.Errorf("%v: the handler ran", err)
		}
	})
}

func TestWhatCannotBeEncodedFailsTheCall(t *testing.T) {
	everywhere(t, func(p *place) {
		if p.here == p.there && !p.here.EncodeLocal() {
			return // values pass as they are
		}
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "chan", func(context.Context, genserver.From, any) (chan int, error) { return make(chan int), nil })
			return nil
		})
		_, err := call[int](p, "srv", "chan", make(chan int))
		want(p.t, err, transport.ErrBadRequest)
		want(p.t, cast(p, "srv", "chan", func() {}), transport.ErrBadRequest)
		_, err = call[any](p, "srv", "chan", nil)
		want(p.t, err, genserver.ErrBadReply)
	})
}

func TestMissingServersAndEventsFailAtOnce(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", nothing)
		start := time.Now()
		_, err := call[int](p, "nobody", "x", nil)
		want(p.t, err, transport.ErrNoServer)
		if !transport.NotDelivered(err) {
			p.t.Errorf("%v was delivered", err)
		}
		_, err = call[int](p, "srv", "x", nil)
		want(p.t, err, transport.ErrNoHandler)
		_, err = genserver.Call[int](p.t.Context(), p.here, "srv@nowhere", "x", nil)
		want(p.t, err, transport.ErrUnknownNode)
		want(p.t, genserver.Cast(p.t.Context(), p.here, "srv@nowhere", "x", nil), transport.ErrUnknownNode)
		took(p.t, start, 0)
		var which *genserver.RequestError
		if !errors.As(err, &which) || which.Ref != "srv@nowhere" || which.Event != "x" {
			p.t.Errorf("error does not say which request failed: %+v", which)
		}
	})
}

func TestNamesOfNodesAndServersReferToThem(t *testing.T) {
	bubble(t, func(w *world) {
		for _, id := range []string{"a", "b"} {
			start(w, w.nodes[id], "who", func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "am i", func(_ context.Context, from genserver.From, _ any) (string, error) {
					return from.Node() + " asks " + s.Node(), nil
				})
				return nil
			})
		}
		for ref, want := range map[string]string{"who": "a asks a", "who@a": "a asks a", "who@b": "a asks b"} {
			if got, err := genserver.Call[string](w.t.Context(), w.nodes["a"], ref, "am i", nil); got != want {
				w.t.Errorf("%s replies %q, %v, want %q", ref, got, err, want)
			}
		}
	})
}

func TestCallsTimeOut(t *testing.T) {
	everywhere(t, func(p *place) {
		var ended log[error]
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "wait", func(ctx context.Context, _ genserver.From, _ any) (int, error) {
				<-ctx.Done()
				ended.add(ctx.Err())
				return 0, nil
			})
			genserver.Handle(s, "left", func(ctx context.Context, _ genserver.From, _ any) (time.Duration, error) {
				d, ok := ctx.Deadline()
				if !ok {
					return 0, errors.New("no deadline")
				}
				return time.Until(d), nil
			})
			return nil
		})
		start := time.Now()
		_, err := call[int](p, "srv", "wait", nil)
		took(p.t, start, 5*time.Second)
		want(p.t, err, transport.ErrTimeout)
		want(p.t, err, context.DeadlineExceeded)

		start = time.Now()
		ctx, cancel := context.WithTimeout(p.t.Context(), 300*time.Millisecond)
		defer cancel()
		if left, err := genserver.Call[time.Duration](ctx, p.here, p.ref("srv"), "left", nil); err != nil ||
			left > 300*time.Millisecond || left < 299*time.Millisecond {
			p.t.Errorf("%v are left for the handler, %v", left, err)
		}
		_, err = genserver.Call[int](ctx, p.here, p.ref("srv"), "wait", nil)
		took(p.t, start, 300*time.Millisecond)
		want(p.t, err, transport.ErrTimeout)
		_, err = genserver.Call[int](ctx, p.here, p.ref("srv"), "wait", nil)
		want(p.t, err, transport.ErrTimeout)

		ctx, giveUp := context.WithCancel(p.t.Context())
		time.AfterFunc(time.Second, giveUp)
		start = time.Now()
		_, err = genserver.Call[int](ctx, p.here, p.ref("srv"), "wait", nil)
		took(p.t, start, time.Second)
		want(p.t, err, transport.ErrCanceled)
		want(p.t, err, context.Canceled)
		got := ended.list()
		if len(got) != 3 { // the fourth call was never made
			p.t.Errorf("contexts of handlers ended with %v", got)
		}
		if p.here == p.there && got[0] != context.DeadlineExceeded || got[2] != context.Canceled {
			p.t.Errorf("contexts of handlers ended with %v", got)
		}
	})
}

func TestCallsTimeOutEachAtItsDeadline(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", hello)
		s.Pause()
		var wait sync.WaitGroup
		for _, d := range []time.Duration{300, 100, 200, 150} {
			wait.Go(func() {
				ctx := &patient{p.t.Context(), time.Now().Add(d * time.Millisecond)}
				begin := time.Now()
				_, err := genserver.Call[string](ctx, p.here, p.ref("srv"), "hello", nil)
				if got := time.Since(begin); !errors.Is(err, transport.ErrTimeout) || got != d*time.Millisecond {
					p.t.Errorf("the call of %d ms ended after %v with %v", d, got, err)
				}
			})
			settle()
		}
		wait.Wait()
		begin := time.Now()
		_, err := genserver.Call[string](&patient{p.t.Context(), begin}, p.here, p.ref("srv"), "hello", nil)
		want(p.t, err, transport.ErrTimeout)
		took(p.t, begin, 0)
		if got := s.Stats().Waiting; p.here == p.there && got != 4 {
			p.t.Errorf("%d calls wait: the last was late before it was made", got)
		}
	})
}

// A patient context has a deadline and does not end.
type patient struct {
	context.Context
	at time.Time
}

func (c *patient) Deadline() (time.Time, bool) { return c.at, true }

// Calls in a row share one look at the clock. None may end early for that, and
// none much later.
func TestCallsInARowTimeOutOnTime(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", hello)
		s.Pause()
		var wait sync.WaitGroup
		for i := range 100 {
			pass(time.Duration(i%7) * 5 * time.Millisecond)
			wait.Go(func() {
				begin := time.Now()
				_, err := call[string](p, "srv", "hello", nil)
				if d := time.Since(begin); !errors.Is(err, transport.ErrTimeout) || d < 5*time.Second || d > 5200*time.Millisecond {
					p.t.Errorf("call %d ended after %v with %v", i, d, err)
				}
			})
		}
		wait.Wait()
	})
}

// A call that its caller gave up while it waited must not be handled later.
func TestCallsThatWereGivenUpAreNotHandled(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[int]
		s := p.start("srv", recorder(&l, nil))
		s.Pause()
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
		defer cancel()
		_, err := genserver.Call[int](ctx, p.here, p.ref("srv"), "put", 1)
		want(p.t, err, transport.ErrTimeout)
		ctx, giveUp := context.WithCancel(p.t.Context())
		time.AfterFunc(time.Second, giveUp)
		_, err = genserver.Call[int](ctx, p.here, p.ref("srv"), "put", 2)
		want(p.t, err, transport.ErrCanceled)
		settle()
		s.Resume()
		if _, err := call[int](p, "srv", "put", 3); err != nil {
			p.t.Fatal(err)
		}
		if got := l.list(); !slices.Equal(got, []int{3}) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// With EncodeLocal two sides of a call share no memory, and without it they do.
func TestLocalMessagesAreSharedUnlessEncoded(t *testing.T) {
	everywhere(t, func(p *place) {
		var req, rep *order
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "x", func(_ context.Context, _ genserver.From, o *order) (*order, error) {
				req, rep = o, &order{ID: "y"}
				return rep, nil
			})
			return nil
		})
		sent := &order{ID: "x"}
		got, err := call[*order](p, "srv", "x", sent)
		if err != nil || got.ID != "y" || req.ID != "x" {
			p.t.Fatal(got, err)
		}
		shares := p.here == p.there && !p.here.EncodeLocal()
		if (req == sent) != shares || (rep == got) != shares {
			p.t.Errorf("request shared: %v, reply shared: %v, want %v", req == sent, rep == got, shares)
		}
	})
}

// Many callers give up at random moments around the answer: each call must end
// once, be handled at most once, and a reply must be its own.
func TestCallsEndOnceAndAreHandledAtMostOnce(t *testing.T) {
	everywhere(t, func(p *place) {
		const callers, each = 16, 100
		var runs [callers * each]atomic.Int32
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "mark", func(ctx context.Context, from genserver.From, n int) (int, error) {
				runs[n].Add(1)
				switch n % 3 {
				case 0:
					return genserver.Async(ctx, from, func(context.Context) (int, error) {
						pass(time.Duration(n%7) * time.Microsecond)
						return n, nil
					})
				case 1:
					pass(time.Duration(n%5) * time.Microsecond)
				}
				return n, nil
			})
			return nil
		})
		var wait sync.WaitGroup
		var answered, failed atomic.Int32
		for i := range callers {
			wait.Go(func() {
				for j := range each {
					n := i*each + j
					ctx, cancel := context.WithTimeout(p.t.Context(), time.Duration(n%40)*time.Microsecond)
					got, err := genserver.Call[int](ctx, p.here, p.ref("srv"), "mark", n)
					cancel()
					switch {
					case err == nil && got == n && runs[n].Load() == 1:
						answered.Add(1)
					case errors.Is(err, transport.ErrTimeout):
						failed.Add(1)
					default:
						p.t.Errorf("call %d ended with %d, %v", n, got, err)
					}
				}
			})
		}
		wait.Wait()
		settle()
		for n := range runs {
			if got := runs[n].Load(); got > 1 {
				p.t.Errorf("call %d was handled %d times", n, got)
			}
		}
		if answered.Load() == 0 || failed.Load() == 0 {
			p.t.Errorf("%d calls answered and %d failed: the test looks at one case only", answered.Load(), failed.Load())
		}
	})
}

func TestRepliesThatComeLater(t *testing.T) {
	everywhere(t, func(p *place) {
		kept := make(chan genserver.From, 10)
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "keep", func(_ context.Context, from genserver.From, _ any) (int, error) {
				kept <- from
				return 0, genserver.Later
			})
			genserver.Handle(s, "early", func(_ context.Context, from genserver.From, _ any) (int, error) {
				return 1, from.Reply(2)
			})
			return nil
		})
		type end struct {
			n   int
			err error
		}
		keep := func() (genserver.From, chan end) {
			ends := make(chan end, 1)
			go func() {
				n, err := call[int](p, "srv", "keep", nil)
				ends <- end{n, err}
			}()
			return <-kept, ends
		}
		from, ends := keep()
		if !from.IsCall() {
			p.t.Error("a call says it is none")
		}
		pass(time.Second)
		if err := from.Reply(7); err != nil {
			p.t.Fatal(err)
		}
		if got := <-ends; got != (end{7, nil}) {
			p.t.Errorf("replied %+v", got)
		}
		want(p.t, from.Reply(8), genserver.ErrNoCaller)
		want(p.t, from.ReplyError(errors.New("no")), genserver.ErrNoCaller)

		from, ends = keep()
		if err := from.ReplyError(fmt.Errorf("sold out: %w", errEmpty)); err != nil {
			p.t.Fatal(err)
		}
		want(p.t, (<-ends).err, errEmpty)

		from, ends = keep()
		_, nested := genserver.Call[int](p.t.Context(), p.here, "nobody", "x", nil)
		if err := from.ReplyError(nested); err != nil {
			p.t.Fatal(err)
		}
		want(p.t, (<-ends).err, genserver.ErrNested)

		from, ends = keep()
		want(p.t, (<-ends).err, transport.ErrTimeout)
		settle()
		want(p.t, from.Reply(9), genserver.ErrNoCaller)

		if err := cast(p, "srv", "keep", nil); err != nil {
			p.t.Fatal(err)
		}
		from = <-kept
		want(p.t, from.Reply(1), genserver.ErrNotCall)
		if from.IsCall() {
			p.t.Error("a cast says it is a call")
		}
		if got, err := call[int](p, "srv", "early", nil); got != 2 || err != nil {
			p.t.Errorf("the reply from inside the handler is %d, %v", got, err)
		}
	})
}

func TestPanicInAsyncCrashesTheServer(t *testing.T) {
	everywhere(t, func(p *place) {
		var seen log[genserver.Observation]
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			s.Observe(seen.add)
			genserver.Handle(s, "boom", func(ctx context.Context, from genserver.From, _ any) (int, error) {
				return genserver.Async(ctx, from, func(context.Context) (int, error) { panic("late") })
			})
			return nil
		})
		start := time.Now()
		_, err := call[int](p, "srv", "boom", nil)
		want(p.t, err, transport.ErrCrashed)
		took(p.t, start, 0)
		<-s.Done()
		want(p.t, s.Err(), transport.ErrCrashed)
		var crash *genserver.CrashError
		for _, o := range seen.list() {
			errors.As(o.Err, &crash)
		}
		if crash == nil || crash.Value != "late" || len(crash.Stack) == 0 || s.Stats().Crashes != 1 {
			p.t.Errorf("the observer was told %+v, stats are %+v", crash, s.Stats())
		}
	})
}

// A handler may keep its context for as long as it likes.
func TestContextsOutliveTheirCalls(t *testing.T) {
	everywhere(t, func(p *place) {
		kept := make(chan context.Context, 300)
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "keep", func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
				kept <- ctx
				return true, nil
			})
			return nil
		})
		for i := range 200 {
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Duration(i+1)*time.Second)
			if _, err := genserver.Call[bool](ctx, p.here, p.ref("srv"), "keep", nil); err != nil {
				p.t.Fatal(err)
			}
			cancel()
		}
		settle()
		for i := range 200 {
			ctx := <-kept
			<-ctx.Done()
			left, _ := ctx.Deadline()
			if d := time.Until(left) - time.Duration(i+1)*time.Second; ctx.Err() == nil || d > 0 || d < -time.Second {
				p.t.Fatalf("context %d is off by %v, and ended with %v", i, d, ctx.Err())
			}
		}
	})
}

func TestContextsOfHandlersCanBeDerived(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "derive", func(ctx context.Context, _ genserver.From, _ any) (string, error) {
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				<-ctx.Done()
				return ctx.Err().Error(), nil
			})
			return nil
		})
		start := time.Now()
		got, err := call[string](p, "srv", "derive", nil)
		took(p.t, start, time.Second)
		if got != context.DeadlineExceeded.Error() || err != nil {
			p.t.Errorf("the derived context ended with %q, %v", got, err)
		}
	})
}

func TestMultiCallYieldsWhatEachServerReplied(t *testing.T) {
	bubble(t, func(w *world) {
		var gaveUp atomic.Int32
		for i, name := range []string{"slow", "quick", "broken"} {
			start(w, w.nodes[[]string{"a", "b", "b"}[i]], name, func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "work", func(ctx context.Context, _ genserver.From, n int) (int, error) {
					switch name {
					case "slow":
						select {
						case <-time.After(time.Second):
						case <-ctx.Done():
							gaveUp.Add(1)
						}
					case "broken":
						return 0, errEmpty
					}
					return n, nil
				})
				return nil
			})
		}
		refs := []string{"slow", "quick@b", "broken@b", "gone@b", "gone", "x@nowhere"}
		got := make(map[string]error)
		var last string
		for ref, r := range genserver.MultiCall[int](w.t.Context(), w.nodes["a"], refs, "work", 7) {
			got[ref], last = r.Err, ref
			if r.Err == nil && r.Reply != 7 {
				w.t.Errorf("%s replied %d", ref, r.Reply)
			}
		}
		for ref, target := range map[string]error{
			"slow": nil, "quick@b": nil, "broken@b": errEmpty, "gone@b": transport.ErrNoServer,
			"gone": transport.ErrNoServer, "x@nowhere": transport.ErrUnknownNode,
		} {
			if err, ok := got[ref]; !ok || !errors.Is(err, target) && err != target {
				w.t.Errorf("%s ended with %v, want %v", ref, err, target)
			}
		}
		if last != "slow" {
			w.t.Errorf("the last to reply is %s", last)
		}
		start := time.Now()
		n := 0
		for range genserver.MultiCall[int](w.t.Context(), w.nodes["a"], refs, "work", 7) {
			if n++; n == len(refs)-1 {
				break // the slow one is given up
			}
		}
		settle()
		took(w.t, start, time.Millisecond)
		if gaveUp.Load() != 1 {
			w.t.Error("leaving the loop did not end the call that was open")
		}
		for range genserver.MultiCall[int](w.t.Context(), w.nodes["a"], nil, "work", 7) {
			w.t.Error("no servers, and yet a result")
		}
	})
}
