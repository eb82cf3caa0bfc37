package hashring_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/hashring"
)

// ring returns a ring of n nodes of one weight under the default options.
func ring(t testing.TB, n, weight int) *hashring.Ring {
	t.Helper()
	nodes := make([]hashring.Node, n)
	for i := range nodes {
		nodes[i] = hashring.Node{ID: "n" + strconv.Itoa(i), Weight: weight}
	}
	r, err := hashring.New(hashring.Options{}, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Readers must never see half an update. The writer swaps two sets of nodes
// that share none, 100 times a second: a reader that sees an id of each set in
// one snapshot, or an owner of neither, has seen a torn ring.
func TestReadersSeeWholeSnapshots(t *testing.T) {
	const nodes, updates = 20, 100
	var r hashring.Ring
	swap := func(round int) error {
		return r.Update(func(tx *hashring.Tx) error {
			for i := range nodes {
				tx.Remove(fmt.Sprintf("%d/%d", 1-round%2, i))
				if err := tx.Set(hashring.Node{ID: fmt.Sprintf("%d/%d", round%2, i), Meta: strconv.Itoa(round)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := swap(0); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := g; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				readWhole(t, r.Snapshot(), strconv.Itoa(i), nodes)
				if id, ok := r.Owner(strconv.Itoa(i)); !ok || len(id) < 3 {
					t.Errorf("Owner beside a writer = %q, %v", id, ok)
				}
			}
		}()
	}
	tick := time.NewTicker(time.Second / updates)
	defer tick.Stop()
	for round := 1; round <= updates; round++ {
		<-tick.C
		if err := swap(round); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// readWhole checks that one snapshot holds one set of nodes of one round, and
// that its table and its nodes belong together.
func readWhole(t *testing.T, s *hashring.Snapshot, key string, nodes int) {
	owners := s.AppendOwners(nil, key, nodes+1)
	if len(owners) != nodes || s.Len() != nodes {
		t.Errorf("a snapshot has %d owners and %d nodes, want %d", len(owners), s.Len(), nodes)
		return
	}
	first, _ := s.Get(owners[0])
	for _, id := range owners {
		n, ok := s.Get(id)
		if !ok || id[0] != owners[0][0] || n.Meta != first.Meta {
			t.Errorf("one snapshot has %q of round %s and %q of round %s", owners[0], first.Meta, id, n.Meta)
			return
		}
	}
}

// Writers take turns, so that no update is lost.
func TestWritersLoseNothing(t *testing.T) {
	var r hashring.Ring
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 50 {
				if err := r.Set(hashring.Node{ID: fmt.Sprintf("%d/%d", g, i)}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	if r.Len() != 200 {
		t.Errorf("200 nodes set by 4 writers leave %d", r.Len())
	}
}

// A snapshot and a clone must not follow their ring, though they share its
// pages.
func TestSnapshotAndCloneStay(t *testing.T) {
	r := ring(t, 100, 1)
	s, c := r.Snapshot(), r.Clone()
	points, fingerprint := slices.Collect(s.All()), s.Fingerprint()
	for i := range 50 {
		r.Remove("n" + strconv.Itoa(2*i))
		if err := r.Set(hashring.Node{ID: "new" + strconv.Itoa(i), Weight: 2}); err != nil {
			t.Fatal(err)
		}
	}
	for name, got := range map[string]*hashring.Snapshot{"snapshot": s, "clone": c.Snapshot()} {
		if got.Fingerprint() != fingerprint || !slices.Equal(slices.Collect(got.All()), points) {
			t.Errorf("the %s changed with its ring", name)
		}
		for i := range 2000 {
			key := strconv.Itoa(i)
			if id, _ := got.Owner(key); !got.Has(id) {
				t.Fatalf("the %s says that %q owns %q, which it does not have", name, id, key)
			}
		}
	}
}
