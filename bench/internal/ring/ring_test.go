package ring

import (
	"math"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/hashring"
)

// The floor's table is as large as hotBytes says, so that a wrong answer would
// make every ratio to the floor wrong. A line of 64 bytes holds about ten
// points, never more than fifteen.
func TestHotBytesIsThePartThatLookupsRead(t *testing.T) {
	h, err := peer.NewHashring(keys.Nodes(1000), hashring.Options{Points: points})
	if err != nil {
		t.Fatal(err)
	}
	s := h.R.Snapshot()
	hot, err := hotBytes(s)
	if err != nil {
		t.Fatal(err)
	}
	if a := float64(hot) / float64(s.Points()); a < 64.0/15 || a > 8 {
		t.Errorf("%.2f hot bytes a point, want 4.3 to 8", a)
	}
	if hot >= s.Bytes() {
		t.Errorf("%d hot bytes of %d in all", hot, s.Bytes())
	}
}

// A build that was stopped must count as long as it surely takes, not as long as
// it ran.
func TestStoppedBuildsAreExtrapolated(t *testing.T) {
	m := member{err: &peer.SlowError{Done: 250, All: 1000, Took: 2 * time.Second}, took: 2 * time.Second}
	if took, stopped := m.nodewise(); took != 8*time.Second || !stopped {
		t.Errorf("took %v, stopped %v, want 8s and true", took, stopped)
	}
	m = member{took: 3 * time.Second}
	if took, stopped := m.nodewise(); took != 3*time.Second || stopped {
		t.Errorf("took %v, stopped %v, want 3s and false", took, stopped)
	}
}

// Updates must leave the rings with the nodes that they had.
func TestUpdatesAreUndone(t *testing.T) {
	h, err := peer.NewHashring(keys.Nodes(10), hashring.Options{Points: points})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Peer: peer.Peer{Name: "hashring", Kind: peer.Ours}, pl: h}
	for _, what := range []string{"add", "remove"} {
		a, undo, ok := change(m, what)
		if !ok {
			t.Fatalf("%s: not offered", what)
		}
		for range 3 {
			if err := a.Prepare(); err != nil {
				t.Fatal(err)
			}
			before := h.R.Len()
			for range a.Again {
				if err := a.Run(); err != nil {
					t.Fatal(err)
				}
			}
			if got := h.R.Len() - before; math.Abs(float64(got)) != batch {
				t.Errorf("%s: %d runs changed the number of nodes by %d", what, a.Again, got)
			}
		}
		if err := undo(); err != nil {
			t.Fatal(err)
		}
		if h.R.Len() != 10 {
			t.Errorf("%s: %d nodes are left, want 10", what, h.R.Len())
		}
	}
}

// Every work must have a name and goals, and names tell works apart.
func TestWorksAreListed(t *testing.T) {
	seen := make(map[string]bool)
	for _, w := range Group().Works(report.Env{}) {
		if w.Name == "" || len(w.Goals) == 0 || seen[w.Name] {
			t.Errorf("work %q has no name of its own or no goal", w.Name)
		}
		seen[w.Name] = true
	}
}
