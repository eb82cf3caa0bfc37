package genserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
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

// A held server runs the handler of "hold" until release is called, so that what
// is sent meanwhile waits.
type held struct {
	*genserver.Server
	log     log[string]
	seen    log[genserver.Observation]
	release func()
}

func hold(p *place, box genserver.Mailbox) *held {
	p.t.Helper()
	h := new(held)
	release := make(chan struct{})
	h.release = sync.OnceFunc(func() { close(release) })
	h.Server = p.start("srv", func(_ context.Context, s *genserver.Server) error {
		s.Observe(h.seen.add)
		genserver.Handle(s, "hold", func(context.Context, genserver.From, any) (int, error) {
			<-release
			return 0, nil
		})
		genserver.Handle(s, "put", func(_ context.Context, _ genserver.From, v string) (string, error) {
			h.log.add(v)
			return v, nil
		})
		return s.SetMailbox(box)
	})
	p.t.Cleanup(h.release)
	if err := cast(p, "srv", "hold", nil); err != nil {
		p.t.Fatal(err)
	}
	settle()
	return h
}

// lost returns the events that the observer was told were lost, by error.
func (h *held) lost() map[string]int {
	counts := make(map[string]int)
	for _, o := range h.seen.list() {
		if o.Lost {
			counts[o.Err.Error()]++
		}
	}
	return counts
}

func letters(n int) []string {
	var all []string
	for i := range n {
		all = append(all, string(rune('a'+i)))
	}
	return all
}

// Each policy is put to six casts and a call where three messages fit, by their
// number or by their bytes.
func TestMailboxPolicies(t *testing.T) {
	tests := []struct {
		name    string
		policy  genserver.Policy
		handled []string
		errs    []error // of the casts, if the caller is told
		call    error
		lost    map[error]int
	}{
		{
			"reject", genserver.Reject, []string{"aaaa", "bbbb", "cccc"},
			[]error{nil, nil, nil, transport.ErrOverload, transport.ErrOverload, transport.ErrOverload}, transport.ErrOverload,
			map[error]int{transport.ErrOverload: 4},
		},
		{
			"drop newest", genserver.DropNewest, []string{"aaaa", "bbbb", "cccc"},
			[]error{nil, nil, nil, transport.ErrDropped, transport.ErrDropped, transport.ErrDropped}, transport.ErrDropped,
			map[error]int{transport.ErrDropped: 4},
		},
		{
			"drop oldest", genserver.DropOldest, []string{"eeee", "ffff", "call"},
			[]error{nil, nil, nil, nil, nil, nil}, nil,
			map[error]int{transport.ErrDropped: 4},
		},
	}
	for _, tt := range tests {
		for bound, box := range map[string]genserver.Mailbox{"len": {Len: 3}, "bytes": {Len: -1, Bytes: 15}} {
			t.Run(tt.name+"/"+bound, func(t *testing.T) {
				everywhere(t, func(p *place) {
					remote := p.here != p.there
					box.Policy = tt.policy
					h := hold(p, box)
					for i, letter := range letters(6) {
						err := cast(p, "srv", "put", strings.Repeat(letter, 4))
						if remote { // the loss is reported to its kernel
							want(p.t, err, nil)
						} else {
							want(p.t, err, tt.errs[i])
						}
						settle()
					}
					end := make(chan error, 1)
					go func() {
						_, err := call[string](p, "srv", "put", "call")
						end <- err
					}()
					settle()
					h.release()
					want(p.t, <-end, tt.call)
					if got := h.log.list(); !slices.Equal(got, tt.handled) {
						p.t.Errorf("handled %v, want %v", got, tt.handled)
					}
					total := 0
					for err, n := range tt.lost {
						if got := h.lost()[err.Error()]; got != n {
							p.t.Errorf("the observer was told of %d losses as %v, want %d", got, err, n)
						}
						total += n
					}
					if s := h.Stats(); int(s.Overloads+s.Dropped) != total {
						p.t.Errorf("stats are %+v, want %d losses", s, total)
					}
					if remote {
						casts := total
						if tt.call != nil {
							casts--
						}
						reported := 0
						for _, n := range p.dropped("a", "srv") {
							reported += n
						}
						if reported != casts {
							p.t.Errorf("the sender was told of %v, want %d casts", p.dropped("a", "srv"), casts)
						}
					}
				})
			})
		}
	}
}

// A call that made room for others must end, at once.
func TestDroppedCallsFailAtOnce(t *testing.T) {
	everywhere(t, func(p *place) {
		hold(p, genserver.Mailbox{Len: 1, Policy: genserver.DropOldest})
		end := make(chan error, 1)
		go func() {
			_, err := call[string](p, "srv", "put", "a")
			end <- err
		}()
		settle()
		start := time.Now()
		if err := cast(p, "srv", "put", "b"); err != nil {
			p.t.Fatal(err)
		}
		err := <-end
		took(p.t, start, 0)
		want(p.t, err, transport.ErrDropped)
		if !transport.NotDelivered(err) {
			p.t.Errorf("%v was delivered", err)
		}
	})
}

// What has to wait for room must arrive complete and in order.
func TestBlockedSendersKeepTheirOrder(t *testing.T) {
	for name, box := range map[string]genserver.Mailbox{"len": {Len: 1}, "more": {Len: 5}, "bytes": {Bytes: 7}} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(p *place) {
				h := hold(p, box)
				var wait sync.WaitGroup
				for _, sender := range []string{"x", "y"} {
					wait.Go(func() {
						for _, letter := range letters(20) {
							if err := cast(p, "srv", "put", sender+letter); err != nil {
								p.t.Error(err)
							}
						}
						if _, err := call[string](p, "srv", "put", sender+"."); err != nil {
							p.t.Error(err)
						}
					})
				}
				pass(time.Second)
				if got := h.Stats().Waiting; got > 5 {
					p.t.Errorf("%d messages wait, at most 5 may", got)
				}
				h.release()
				wait.Wait()
				by := make(map[byte]string)
				for _, v := range h.log.list() {
					by[v[0]] += v[1:]
				}
				all := strings.Join(letters(20), "") + "."
				if !maps.Equal(by, map[byte]string{'x': all, 'y': all}) {
					p.t.Errorf("arrived %v", by)
				}
				if s := h.Stats(); s.Overloads+s.Dropped > 0 {
					p.t.Errorf("stats are %+v", s)
				}
			})
		})
	}
}

// Casts that a node has taken over wait for room also when their sender is gone:
// it was told that they arrived.
func TestCastsOutliveTheirConnection(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["b"]}
		h := hold(p, genserver.Mailbox{Len: 1})
		for _, letter := range letters(5) {
			if err := cast(p, "srv", "put", letter); err != nil {
				p.t.Fatal(err)
			}
		}
		settle()
		w.nodes["a"].Abort()
		settle()
		h.release()
		if got := h.log.list(); !slices.Equal(got, letters(5)) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// A call that timed out while its kernel kept it for want of room must not be
// handled when there is some.
func TestCallsThatAreLateAreNotHandled(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["b"]}
		h := hold(p, genserver.Mailbox{Len: 1})
		const n = 20
		ends := make(chan error, n)
		for i := range n {
			go func() {
				ctx, cancel := context.WithTimeout(p.t.Context(), time.Second+time.Duration(i)*time.Millisecond)
				defer cancel()
				_, err := genserver.Call[string](ctx, p.here, "srv@b", "put", "late")
				ends <- err
			}()
		}
		settle()
		w.net.Hold("a", "b") // so that no CANCEL tells of it
		pass(2 * time.Second)
		for range n {
			want(p.t, <-ends, transport.ErrTimeout)
		}
		h.release()
		settle()
		if got := h.log.list(); len(got) > 0 {
			p.t.Errorf("%d calls were handled", len(got))
		}
		w.net.Heal("a", "b")
		if got, err := call[string](p, "srv", "put", "x"); got != "x" || err != nil {
			p.t.Errorf("after that put is answered by %q, %v", got, err)
		}
	})
}

// Who comes later must not overtake who waits for room, though there is some.
func TestBlockedSendersAreNotOvertaken(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		var l log[string]
		step := make(chan struct{})
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "put", func(_ context.Context, _ genserver.From, v string) (bool, error) {
				<-step
				l.add(v)
				return true, nil
			})
			return s.SetMailbox(genserver.Mailbox{Len: 8})
		})
		var wait sync.WaitGroup
		for _, letter := range letters(14) {
			wait.Go(func() {
				if err := cast(p, "srv", "put", letter); err != nil {
					p.t.Error(err)
				}
			})
			settle()
			if letter == "k" { // ten were sent, two of them wait: one step makes room that is not used yet
				step <- struct{}{}
				settle()
			}
		}
		for range 2 {
			step <- struct{}{}
			settle()
		}
		if got := s.Stats(); got.Waiting != 7 { // a quarter was free, so that two who waited got in, and one was handled
			p.t.Errorf("stats are %+v", got)
		}
		close(step)
		wait.Wait()
		if got := l.list(); !slices.Equal(got, letters(14)) {
			p.t.Errorf("handled %v", got)
		}
	})
}

func TestUrgentMessagesAreDroppedLast(t *testing.T) {
	everywhere(t, func(p *place) {
		h := hold(p, genserver.Mailbox{Len: 2, Policy: genserver.DropOldest})
		for _, letter := range letters(5) {
			m := genserver.Message{Ref: p.ref("srv"), Event: "put", Value: letter, Urgent: letter == "a" || letter == "e"}
			if err := genserver.Send(p.t.Context(), p.here, m); err != nil {
				p.t.Fatal(err)
			}
			settle()
		}
		h.release()
		if got := h.log.list(); !slices.Equal(got, []string{"a", "e"}) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// A cast that gives up at the moment when there is room is either refused or
// handled, not both.
func TestCastsThatGiveUpAreNotHandled(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		both := make(map[bool]int)
		for range 200 {
			h := hold(p, genserver.Mailbox{Len: 1})
			if err := cast(p, "srv", "put", "a"); err != nil {
				p.t.Fatal(err)
			}
			time.AfterFunc(5*time.Second, h.release)
			err := cast(p, "srv", "put", "b")
			handled := slices.Contains(h.log.list(), "b")
			if handled != (err == nil) {
				p.t.Fatalf("handled: %v, error: %v", handled, err)
			}
			both[handled]++
			h.Kill()
		}
		if len(both) != 2 {
			p.t.Errorf("it always ended the same way: %v", both)
		}
	})
}

func TestBlockedSendersGiveUp(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		h := hold(p, genserver.Mailbox{Len: 1})
		if err := cast(p, "srv", "put", "a"); err != nil {
			p.t.Fatal(err)
		}
		start := time.Now()
		want(p.t, cast(p, "srv", "put", "b"), transport.ErrOverload)
		took(p.t, start, 5*time.Second)
		ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
		defer cancel()
		err := genserver.Cast(ctx, p.here, "srv", "put", "c")
		want(p.t, err, transport.ErrOverload)
		took(p.t, start, 6*time.Second)
		_, err = genserver.Call[string](ctx, p.here, "srv", "put", "d")
		want(p.t, err, transport.ErrTimeout)
		_, err = call[string](p, "srv", "put", "e")
		want(p.t, err, transport.ErrTimeout)
		took(p.t, start, 11*time.Second)
		h.release()
		if _, err = call[string](p, "srv", "put", "f"); err != nil {
			p.t.Fatal(err)
		}
		if got := h.log.list(); !slices.Equal(got, []string{"a", "f"}) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// Whoever waits and gives up is lost too, and the observer is told.
func TestWhatIsGivenUpIsObserved(t *testing.T) {
	everywhere(t, func(p *place) {
		h := hold(p, genserver.Mailbox{Len: 1})
		send := func(f func(ctx context.Context) error) {
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
			defer cancel()
			if err := f(ctx); err == nil {
				p.t.Error("it did not fail")
			}
			settle()
		}
		ask := func(ctx context.Context) error {
			_, err := genserver.Call[string](ctx, p.here, p.ref("srv"), "put", "a")
			return err
		}
		send(ask) // in the mailbox
		wants := map[string]int{transport.ErrTimeout.Error(): 1}
		if p.here == p.there { // others wait in the kernel
			send(ask)
			send(func(ctx context.Context) error { return genserver.Cast(ctx, p.here, p.ref("srv"), "put", "b") })
			wants[transport.ErrTimeout.Error()]++
			wants[transport.ErrOverload.Error()+": "+transport.ErrTimeout.Error()]++
		}
		h.release()
		got := h.lost()
		if n := got[transport.ErrCanceled.Error()]; p.here != p.there && n > 0 { // its caller said so before the time was over
			delete(got, transport.ErrCanceled.Error())
			got[transport.ErrTimeout.Error()] += n
		}
		if !maps.Equal(got, wants) {
			p.t.Errorf("the observer was told of %v, want %v", got, wants)
		}
		if got := h.Stats(); int(got.Expired) != wants[transport.ErrTimeout.Error()] || got.Handled != 1 {
			p.t.Errorf("stats are %+v", got)
		}
	})
}

// Senders that gave up must not be remembered for as long as the server hangs.
func TestSendersThatGaveUpAreForgotten(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		hold(p, genserver.Mailbox{Len: 1})
		if err := cast(p, "srv", "put", "a"); err != nil {
			p.t.Fatal(err)
		}
		const n = 1000
		var freed atomic.Int32
		for i := range n {
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Millisecond)
			o := &order{Notes: make([]string, 100)}
			runtime.AddCleanup(o, func(int) { freed.Add(1) }, 0)
			if i%2 == 0 {
				want(p.t, genserver.Cast(ctx, p.here, "srv", "put", o), transport.ErrOverload)
			} else {
				_, err := genserver.Call[string](ctx, p.here, "srv", "put", o)
				want(p.t, err, transport.ErrTimeout)
			}
			cancel()
		}
		collect()
		if got := freed.Load(); got < n/2 { // the rest is what came since the line last grew
			p.t.Errorf("%d messages of %d are free", got, n)
		}
	})
}

func TestBlockedSendersLearnThatTheServerStops(t *testing.T) {
	everywhere(t, func(p *place) {
		h := hold(p, genserver.Mailbox{Len: 1})
		ends := make(chan error, 3)
		send := func(event string) {
			go func() {
				_, err := call[string](p, "srv", event, "x")
				ends <- err
			}()
			settle()
		}
		send("put")
		send("put")
		if p.here == p.there {
			go func() { ends <- cast(p, "srv", "put", "x") }()
		} else {
			send("put")
		}
		settle()
		start := time.Now()
		h.Kill()
		for range 3 {
			err := <-ends
			want(p.t, err, transport.ErrNoServer)
		}
		took(p.t, start, 0)

		h = hold(p, genserver.Mailbox{Len: 1})
		send("put") // it waits in the mailbox, and Stop lets it be handled
		send("put")
		start = time.Now()
		go h.Stop(p.t.Context())
		want(p.t, <-ends, transport.ErrNoServer)
		took(p.t, start, 0)
		h.release()
		want(p.t, <-ends, nil)
	})
}

// A server that casts to itself must not wait for itself.
func TestACastToItselfDoesNotWaitForRoom(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "fill", func(ctx context.Context, _ genserver.From, _ any) (int, error) {
				for n := 0; ; n++ {
					if err := genserver.Cast(ctx, s.Kernel(), "srv", "none", n); err != nil {
						if !errors.Is(err, transport.ErrOverload) {
							return n, err
						}
						return n, nil
					}
				}
			})
			return s.SetMailbox(genserver.Mailbox{Len: 4})
		})
		start := time.Now()
		if n, err := call[int](p, "srv", "fill", nil); n != 4 || err != nil {
			p.t.Errorf("%d casts were taken, %v", n, err)
		}
		took(p.t, start, 0)
	})
}

func TestAMessageLargerThanTheMailboxIsTakenAlone(t *testing.T) {
	everywhere(t, func(p *place) {
		for _, policy := range []genserver.Policy{genserver.Block, genserver.Reject, genserver.DropOldest, genserver.DropNewest} {
			h := hold(p, genserver.Mailbox{Bytes: 10, Policy: policy})
			large := strings.Repeat("x", 100)
			if err := cast(p, "srv", "put", large); err != nil {
				p.t.Fatal(err)
			}
			settle()
			h.release()
			if got := h.log.list(); !slices.Equal(got, []string{large}) {
				p.t.Errorf("policy %d: handled %d messages", policy, len(got))
			}
			h.Kill()
		}
	})
}

func TestUrgentMessagesOvertake(t *testing.T) {
	everywhere(t, func(p *place) {
		h := hold(p, genserver.Mailbox{})
		for i, letter := range letters(6) {
			m := genserver.Message{Ref: p.ref("srv"), Event: "put", Value: letter, Urgent: i%2 == 1}
			if err := genserver.Send(p.t.Context(), p.here, m); err != nil {
				p.t.Fatal(err)
			}
		}
		settle()
		h.release()
		if got := h.log.list(); !slices.Equal(got, []string{"b", "d", "f", "a", "c", "e"}) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// An urgent message overtakes those that the server has taken over to run next.
func TestUrgentMessagesOvertakeWhatIsReadyToRun(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[string]
		step := make(chan struct{})
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "put", func(_ context.Context, _ genserver.From, v string) (bool, error) {
				<-step
				l.add(v)
				return true, nil
			})
			return nil
		})
		s.Pause()
		for _, letter := range letters(4) {
			if err := cast(p, "srv", "put", letter); err != nil {
				p.t.Fatal(err)
			}
		}
		settle()
		s.Resume()
		step <- struct{}{}
		settle()
		m := genserver.Message{Ref: p.ref("srv"), Event: "put", Value: "!", Urgent: true}
		if err := genserver.Send(p.t.Context(), p.here, m); err != nil {
			p.t.Fatal(err)
		}
		settle()
		close(step)
		if got := l.list(); !slices.Equal(got, []string{"a", "b", "!", "c", "d"}) {
			p.t.Errorf("handled %v", got)
		}
	})
}

// The bounds hold for what was taken over to run, too: a mailbox that has just
// begun on a batch has room for one message more each time it has run one.
func TestMailboxCountsWhatIsReadyToRun(t *testing.T) {
	everywhere(t, func(p *place) {
		step := make(chan struct{})
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "put", func(context.Context, genserver.From, string) (bool, error) {
				<-step
				return true, nil
			})
			return s.SetMailbox(genserver.Mailbox{Len: 4, Policy: genserver.Reject})
		})
		s.Pause()
		put := func() {
			if err := cast(p, "srv", "put", "x"); err != nil && p.here != p.there {
				p.t.Fatal(err)
			}
			settle()
		}
		for range 6 {
			put()
		}
		if got := s.Stats(); got.Waiting != 4 || got.Overloads != 2 || got.Bytes < 4 {
			p.t.Fatalf("stats are %+v", got)
		}
		s.Resume()
		settle()
		for n := range 3 { // one runs, and three wait
			put()
			put()
			if got := s.Stats(); got.Waiting != 4 || int(got.Overloads) != 3+n {
				p.t.Fatalf("stats are %+v after %d steps", got, n)
			}
			step <- struct{}{}
			settle()
		}
		close(step)
		settle()
		if got := s.Stats(); got.Waiting != 0 || got.Bytes != 0 {
			p.t.Errorf("stats are %+v in the end", got)
		}
	})
}

// A tick is left out while the one before it waits.
func TestTicksDoNotPileUp(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[int]
		s := start(w, w.nodes["a"], "srv", func(ctx context.Context, s *genserver.Server) error {
			s.Every(time.Second, "put", 1)
			return recorder(&l, nil)(ctx, s)
		})
		pass(2500 * time.Millisecond)
		s.Pause()
		pass(time.Minute)
		s.Resume()
		if got := len(l.list()); got != 3 {
			w.t.Errorf("%d ticks, want 2 and the one that waited", got)
		}
	})
}

// What was handled must be let go of, though more waits behind it.
func TestHandledMessagesAreLetGoOf(t *testing.T) {
	everywhere(t, func(p *place) {
		const n = 1000
		gate := make(chan int)
		var freed atomic.Int32
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			count := 0
			genserver.Handle(s, "put", func(_ context.Context, _ genserver.From, v *order) (bool, error) {
				runtime.AddCleanup(v, func(int) { freed.Add(1) }, 0)
				if count++; count == n/2 {
					<-gate
				}
				return true, nil
			})
			return nil
		})
		s.Pause()
		for range n {
			if err := cast(p, "srv", "put", &order{Notes: make([]string, 10)}); err != nil {
				p.t.Fatal(err)
			}
		}
		settle()
		s.Resume()
		settle()
		got := 0
		for range 200 { // cleanups run a while after a collection
			runtime.GC()
			if got = int(freed.Load()); got >= n/2-260 {
				break
			}
		}
		if got < n/2-260 {
			p.t.Errorf("%d of %d messages that were handled are free", got, n/2)
		}
		close(gate)
	})
}

// What strangers call their events must not be kept.
func TestNamesOfEventsAreNotKept(t *testing.T) {
	k := loopback(t, "a")
	s, err := genserver.Start(k, "srv", func(_ context.Context, s *genserver.Server) error {
		return s.SetMailbox(genserver.Mailbox{Len: -1})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	service, _ := k.Lookup("srv")
	send := func(from, to int) {
		for n := from; n < to; n++ {
			body := append([]byte{0x82, 0x78, 200}, bytes.Repeat([]byte("x"), 200)...)
			copy(body[3:], fmt.Sprint(n))
			service.Deliver(&transport.Delivery{From: "b", Body: append(body, 0xf6)})
		}
		if _, err := genserver.Call[any](t.Context(), k, "srv", "x", nil); !errors.Is(err, transport.ErrNoHandler) {
			t.Fatal(err)
		}
	}
	heap := func() int {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	send(0, 20_000)
	before := heap()
	send(20_000, 40_000)
	if grown := heap() - before; grown > 2<<20 {
		t.Errorf("20,000 events made the heap grow by %d bytes", grown)
	}
}
