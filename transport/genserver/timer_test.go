package genserver_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport/genserver"
)

func TestTimersSendAndStop(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[string]
		begin := time.Now()
		var stopOnce, stopEvery func()
		init := func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "note", func(_ context.Context, from genserver.From, v string) (bool, error) {
				if from.Node() != "a" || from.IsCall() {
					w.t.Errorf("a tick comes from %q", from.Node())
				}
				l.add(fmt.Sprint(v, time.Since(begin)))
				return true, nil
			})
			s.SendAfter(time.Second, "note", "once ")
			stopOnce = s.SendAfter(time.Second, "note", "never ")
			stopEvery = s.Every(400*time.Millisecond, "note", "every ")
			return nil
		}
		s := start(w, w.nodes["a"], "srv", init)
		stopOnce()
		pass(1500 * time.Millisecond)
		stopEvery()
		pass(time.Hour)
		if got, want := l.list(), []string{"every 400ms", "every 800ms", "once 1s", "every 1.2s"}; !slices.Equal(got, want) {
			w.t.Errorf("handled %q, want %q", got, want)
		}
		if err := s.Stop(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		s.SendAfter(time.Second, "note", "after the end ")()
		s = start(w, w.nodes["a"], "srv", init)
		s.Kill()
		pass(time.Hour)
		if got := len(l.list()); got != 4 {
			w.t.Errorf("%d ticks after the end", got-4)
		}
	})
}

func TestTicksHaveAMillisecondBetweenThem(t *testing.T) {
	bubble(t, func(w *world) {
		for _, d := range []time.Duration{0, -time.Second, time.Microsecond} {
			var l log[int]
			s := start(w, w.nodes["a"], "srv", func(ctx context.Context, s *genserver.Server) error {
				s.Every(d, "put", 1)
				return recorder(&l, nil)(ctx, s)
			})
			pass(10500 * time.Microsecond)
			s.Kill()
			if got := len(l.list()); got != 10 {
				w.t.Errorf("Every(%v): %d ticks in 10.5 ms", d, got)
			}
		}
	})
}

// Ticks that were stopped while they waited must not be handled, and a full
// mailbox must not hold timers up.
func TestTicksThatWait(t *testing.T) {
	bubble(t, func(w *world) {
		var l log[int]
		var stop func()
		s := start(w, w.nodes["a"], "srv", func(ctx context.Context, s *genserver.Server) error {
			stop = s.SendAfter(time.Second, "put", 1)
			s.SendAfter(time.Second, "put", 2)
			recorder(&l, nil)(ctx, s)
			return s.SetMailbox(genserver.Mailbox{Len: 1, Policy: genserver.Reject})
		})
		s.Pause()
		if err := genserver.Cast(w.t.Context(), w.nodes["a"], "srv", "put", 0); err != nil {
			w.t.Fatal(err)
		}
		pass(2 * time.Second)
		stop()
		s.Resume()
		if got := l.list(); !slices.Equal(got, []int{0, 2}) {
			w.t.Errorf("handled %v", got)
		}
	})
}
