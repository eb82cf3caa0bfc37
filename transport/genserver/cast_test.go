package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func TestMessagesOfOneSenderKeepTheirOrder(t *testing.T) {
	everywhere(t, func(p *place) {
		const n = 3000
		var l log[int]
		p.start("srv", recorder(&l, nil))
		for i := range n {
			var err error
			if i%500 == 499 {
				_, err = call[int](p, "srv", "put", i)
			} else {
				err = cast(p, "srv", "put", i)
			}
			if err != nil {
				p.t.Fatal(err)
			}
		}
		if got := l.list(); !slices.Equal(got, numbers(0, n)) {
			p.t.Errorf("%d messages of %d arrived, in order: %v", len(got), n, slices.IsSorted(got))
		}
	})
}

func TestCastsToNobodyAreReported(t *testing.T) {
	everywhere(t, func(p *place) {
		err := cast(p, "nobody", "x", 1)
		if p.here == p.there {
			want(p.t, err, transport.ErrNoServer)
			return
		}
		want(p.t, err, nil)
		if got := p.dropped("a", "nobody"); got["no-server"] != 1 {
			p.t.Errorf("the sender was told of %v", got)
		}
	})
}

func TestCastsThatWaitAtTheEndAreReported(t *testing.T) {
	everywhere(t, func(p *place) {
		s := p.start("srv", hello)
		s.Pause()
		for range 3 {
			if err := cast(p, "srv", "hello", nil); err != nil {
				p.t.Fatal(err)
			}
		}
		settle()
		s.Kill()
		if got := s.Stats().Unhandled; got != 3 {
			p.t.Errorf("%d counted", got)
		}
		if got := p.dropped("a", "srv"); p.here != p.there && got["no-server"] != 3 {
			p.t.Errorf("the sender was told of %v", got)
		}
	})
}

func TestAbcastReachesAllThatCanBeReached(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[int]
		refs := []string{"one", "two@b", "gone", "two@nowhere", "one@b", "one@nowhere"}
		for _, name := range []string{"one", "two"} {
			start(w, w.nodes["a"], name, recorder(&l, nil))
			start(w, w.nodes["b"], name, recorder(&l, nil))
		}
		err := genserver.Abcast(w.t.Context(), w.nodes["a"], refs, "put", 7)
		var failed genserver.RefErrors
		if !errors.As(err, &failed) {
			w.t.Fatalf("error is %v", err)
		}
		var which []string
		for _, f := range failed {
			which = append(which, f.Ref)
		}
		slices.Sort(which)
		if !slices.Equal(which, []string{"gone", "one@nowhere", "two@nowhere"}) {
			w.t.Errorf("not reached: %v", which)
		}
		want(w.t, err, transport.ErrNoServer)
		want(w.t, err, transport.ErrUnknownNode)
		if got := l.list(); len(got) != 3 {
			w.t.Errorf("%d servers were reached", len(got))
		}
		if err := genserver.Abcast(w.t.Context(), w.nodes["a"], genserver.Refs("one", "a", "b"), "put", 8); err != nil {
			w.t.Error(err)
		}
		if got := l.list(); len(got) != 5 {
			w.t.Errorf("%d messages arrived", len(got))
		}
		if err := genserver.Abcast(w.t.Context(), w.nodes["a"], nil, "put", 8); err != nil {
			w.t.Error(err)
		}
	})
}

// A picky kernel does not send to some servers.
type picky struct {
	genserver.Kernel
	not string
}

func (k picky) CastMulti(ctx context.Context, node string, names []string, m transport.Message) error {
	if slices.Contains(names, k.not) {
		return transport.ErrOverload
	}
	return k.Kernel.CastMulti(ctx, node, names, m)
}

// Of many servers of one node only those are listed that were not sent to.
func TestAbcastListsWhatItDidNotSend(t *testing.T) {
	bubble(t, func(w *world) {
		var names []string
		for i := range 300 {
			names = append(names, fmt.Sprint("n", i))
		}
		refs := genserver.Refs("x", "b")
		for _, name := range names {
			refs = append(refs, name+"@b")
		}
		refs = append(refs, "@b", strings.Repeat("x", 256)+"@b")
		for _, tt := range []struct {
			value string
			want  int
		}{{"short", 128 + 2}, {strings.Repeat("long", 20_000), 1 + 2}} {
			err := genserver.Abcast(w.t.Context(), picky{w.nodes["a"], "n200"}, refs, "put", tt.value)
			var failed genserver.RefErrors
			if !errors.As(err, &failed) || len(failed) != tt.want {
				w.t.Errorf("%d bytes: %d servers were not reached, want %d", len(tt.value), len(failed), tt.want)
			}
			if !slices.ContainsFunc(failed, func(e genserver.RefError) bool { return e.Ref == "n200@b" }) {
				w.t.Error("n200 is not among them")
			}
		}
	})
}

func TestErrorsOfCastsAreCountedAndObserved(t *testing.T) {
	everywhere(t, func(p *place) {
		var seen log[genserver.Observation]
		s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
			s.Observe(seen.add)
			genserver.Handle(s, "fail", func(context.Context, genserver.From, string) (int, error) { return 0, errEmpty })
			return nil
		})
		for _, event := range []string{"fail", "unknown"} {
			if err := cast(p, "srv", event, "four"); err != nil {
				p.t.Fatal(err)
			}
		}
		got := seen.list()
		if len(got) != 2 || got[0].Event != "fail" || !errors.Is(got[0].Err, errEmpty) || got[0].Size < 4 || got[0].Call ||
			got[0].From != p.here.ID() || !errors.Is(got[1].Err, transport.ErrNoHandler) {
			p.t.Errorf("observed %+v", got)
		}
		if got := s.Stats(); got.Handled != 2 || got.Failed != 2 {
			p.t.Errorf("stats are %+v", got)
		}
		s.Observe(nil)
		if _, err := call[int](p, "srv", "fail", ""); !errors.Is(err, errEmpty) || len(seen.list()) != 2 {
			p.t.Errorf("%v; observed %d", err, len(seen.list()))
		}
	})
}

// Casts that wait for room outlive the connection that they came over.
func TestWaitingCastsOutliveTheirConnection(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[int]
		s := start(w, w.nodes["b"], "srv", func(ctx context.Context, s *genserver.Server) error {
			s.SetMailbox(genserver.Mailbox{Len: 4})
			return recorder(&l, nil)(ctx, s)
		})
		s.Pause()
		for i := range 20 {
			if err := genserver.Cast(w.t.Context(), w.nodes["a"], "srv@b", "put", i); err != nil {
				w.t.Fatal(err)
			}
		}
		settle()
		w.net.Reset("a", "b")
		settle()
		s.Resume()
		pass(time.Second)
		if got := l.list(); len(got) != 20 || !slices.IsSorted(got) {
			w.t.Errorf("handled %v", got)
		}
	})
}
