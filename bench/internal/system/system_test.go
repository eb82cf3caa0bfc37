package system_test

import (
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/system"
)

func TestNamesTellSystemsApart(t *testing.T) {
	seen := make(map[string]bool)
	ours := 0
	for _, s := range system.All() {
		if s.Name == "" || s.Kind == "" || s.Note == "" || seen[s.Name] {
			t.Errorf("%+v has no name of its own, no kind or no note", s)
		}
		seen[s.Name] = true
		if s.Kind == system.Ours {
			ours++
		}
		if (s.Serve == nil) != (s.Dial == nil) {
			t.Errorf("%s is served and not dialed, or the other way round", s.Name)
		}
	}
	if ours != 1 {
		t.Errorf("%d systems are ours, want 1", ours)
	}
}

// Local loops check their replies and count their casts, so that it suffices to
// run them.
func TestLocalCallsAndCastsComeThrough(t *testing.T) {
	for _, s := range system.All() {
		if s.Local == nil {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			l, err := s.Local()
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for range 2 {
				if err := l.Calls(100); err != nil {
					t.Errorf("calls: %v", err)
				}
				if err := l.Casts(5000); err != nil {
					t.Errorf("casts: %v", err)
				}
			}
		})
	}
}

func TestSinkWaitsForWhatIsExpected(t *testing.T) {
	var s system.Sink
	s.Take([]byte("before"))
	s.Expect(3)
	done := make(chan system.Tally)
	go func() { done <- s.Wait(time.Minute) }()
	for range 3 {
		s.Take([]byte("ab"))
	}
	if got := <-done; got.Count != 3 || got.Bytes != 6 || got.Last == 0 {
		t.Errorf("%+v, want 3 messages of 6 bytes and a time", got)
	}
	s.Expect(3)
	s.Take([]byte("ab"))
	if got := s.Wait(20 * time.Millisecond); got.Count != 1 || got.Bytes != 2 || got.Last == 0 {
		t.Errorf("%+v, want the one that came", got)
	}
}
