package hashring_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// A snapshot can be kept, compared, written down and gone back to as a ring
// can, and a zero one is the zero ring.
func TestSnapshotIsAsGoodAsItsRing(t *testing.T) {
	for name, s := range map[string]*hashring.Snapshot{
		"zero":  {},
		"empty": new(hashring.Ring).Snapshot(),
		"nodes": newRing(t, hashring.Options{Probes: 2}, numbered(7)...).Snapshot(),
	} {
		r := s.Ring()
		if !r.Snapshot().Equal(s) || !s.Equal(r.Snapshot()) {
			t.Errorf("%s: the snapshot's ring is not equal to it", name)
		}
		for what, encode := range map[string][2]func() ([]byte, error){
			"binary": {s.MarshalBinary, r.MarshalBinary},
			"JSON":   {s.MarshalJSON, r.MarshalJSON},
		} {
			got, err := encode[0]()
			want, err2 := encode[1]()
			if err != nil || err2 != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: the snapshot in %s is %q, %v; want %q", name, what, got, err, want)
			}
		}
		before := s.Len()
		if err := r.Set(hashring.Node{ID: "other"}); err != nil || s.Len() != before || r.Len() != before+1 || s.Equal(r.Snapshot()) {
			t.Errorf("%s: a change of the snapshot's ring: %v; the snapshot has %d nodes, the ring %d", name, err, s.Len(), r.Len())
		}
		if id, ok := r.Owner("key"); !ok || r.Points() < 160 {
			t.Errorf("%s: with a node, Owner = %q, %v", name, id, ok)
		}
	}
}

// Readers that compare snapshots to see whether something changed must not be
// told so when nothing did.
func TestNoChangeNoSnapshot(t *testing.T) {
	r := newRing(t, hashring.Options{}, hashring.Node{ID: "a", Weight: 2, Zone: "z"}, hashring.Node{ID: "b"})
	before := r.Snapshot()
	err := r.Update(func(tx *hashring.Tx) error {
		tx.Remove("a")
		tx.Remove("b")
		if err := tx.Set(hashring.Node{ID: "b", Weight: 3}); err != nil {
			return err
		}
		if err := tx.Add(hashring.Node{ID: "a", Weight: 2, Zone: "z"}); err != nil {
			return err
		}
		if tx.Len() != 2 {
			t.Errorf("inside the update: %d nodes, want 2", tx.Len())
		}
		return tx.Reweight("b", 1)
	})
	if err != nil || r.Snapshot() != before {
		t.Errorf("changes that cancel out: %v, or a new snapshot", err)
	}
	if err := r.Set(hashring.Node{ID: "b", Weight: 1}); err != nil || r.Snapshot() != before {
		t.Errorf("a node set as it is: %v, or a new snapshot", err)
	}
	if err := r.Set(hashring.Node{ID: "b", Meta: "m"}); err != nil || r.Snapshot() == before {
		t.Errorf("new metadata: %v, or no new snapshot", err)
	}
}

// However a ring grows and shrinks, its buckets must follow, so that neither
// memory nor the length of a bucket's points runs away.
func TestTableFollowsSize(t *testing.T) {
	var r hashring.Ring
	check := func() {
		t.Helper()
		fresh, err := hashring.New(r.Options(), slices.Collect(r.Nodes())...)
		if err != nil {
			t.Fatal(err)
		}
		// A quarter above a new ring of these nodes, and a page.
		if got, want := r.Bytes(), fresh.Bytes(); got > want+want/4+1024 || got < want-want/4-1024 {
			t.Fatalf("with %d nodes the ring takes %d bytes, a new one %d", r.Len(), got, want)
		}
	}
	for i := range 300 {
		if err := r.Add(hashring.Node{ID: strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
		check()
	}
	for i := range 300 {
		r.Remove(strconv.Itoa(i))
		check()
	}
}
