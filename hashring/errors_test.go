package hashring_test

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Every error wraps a sentinel, names the package once, says what is wrong and
// which node or value it is, and leaves the ring as it was.
func TestErrors(t *testing.T) {
	long, longMeta := strings.Repeat("x", hashring.MaxIDLen+1), strings.Repeat("x", hashring.MaxMetaLen+1)
	type ring = hashring.Ring
	set := func(n hashring.Node) func(*ring) error {
		return func(r *ring) error { return r.Set(n) }
	}
	fresh := func(o hashring.Options, nodes ...hashring.Node) func(*ring) error {
		return func(*ring) error {
			r, err := hashring.New(o, nodes...)
			if r != nil {
				t.Errorf("New(%v) gives a ring with its error %v", o, err)
			}
			return err
		}
	}
	update := func(f func(*hashring.Tx) error) func(*ring) error {
		return func(r *ring) error { return r.Update(f) }
	}
	second := func(_ any, err error) error { return err }
	base := newRing(t, hashring.Options{Points: hashring.MaxWeight}, hashring.Node{ID: "a"}, hashring.Node{ID: "b", Weight: 3})
	other := newRing(t, hashring.Options{Points: 99}, hashring.Node{ID: "z"})
	jsonOf := func(r *ring, old, new string) error {
		data, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return r.UnmarshalJSON([]byte(strings.Replace(string(data), old, new, 1)))
	}
	for _, tt := range []struct {
		name string
		call func(*ring) error // of a ring of a, weight 1, and b, weight 3
		want error
		says []string
	}{
		{"Set without id", set(hashring.Node{}), hashring.ErrID, []string{"empty node id"}},
		{"Set of a long id", set(hashring.Node{ID: long}), hashring.ErrID, []string{"1025 bytes", "xxx", "at most 1024"}},
		{"Set of an id of bytes", set(hashring.Node{ID: "a\xff"}), hashring.ErrID, []string{`"a\xff"`, "not UTF-8"}},
		{"Set of a long zone", set(hashring.Node{ID: "a", Zone: long}), hashring.ErrID, []string{`"a"`, "zone of 1025 bytes"}},
		{"Set of a zone of bytes", set(hashring.Node{ID: "a", Zone: "\xff"}), hashring.ErrID, []string{`"a"`, "zone", "UTF-8"}},
		{"Set of long metadata", set(hashring.Node{ID: "a", Meta: longMeta}), hashring.ErrMeta, []string{`"a"`, "65537 bytes", "at most 65536"}},
		{"Set of a weight below 0", set(hashring.Node{ID: "b", Weight: -1}), hashring.ErrWeight, []string{`"b"`, "weight -1", "1 to 65536"}},
		{"Set of a weight above all", set(hashring.Node{ID: "n", Weight: hashring.MaxWeight + 1}), hashring.ErrWeight, []string{`"n"`, "weight 65537", "1 to 65536"}},
		{"Set of too many points", set(hashring.Node{ID: "n", Weight: 4093}), hashring.ErrTooManyPoints, []string{`"n"`, "4093", "268500992 points", "at most 268435456"}},
		{"Add without id", func(r *ring) error { return r.Add(hashring.Node{}) }, hashring.ErrID, []string{"empty node id"}},
		{"Add of a known id", func(r *ring) error { return r.Add(hashring.Node{ID: "b"}) }, hashring.ErrDuplicate, []string{`"b"`}},
		{"SetWeight of an unknown id", func(r *ring) error { return r.SetWeight("n", 2) }, hashring.ErrUnknown, []string{`"n"`}},
		{"SetWeight below 0", func(r *ring) error { return r.SetWeight("a", -7) }, hashring.ErrWeight, []string{`"a"`, "weight -7"}},
		{"SetWeight above all", func(r *ring) error { return r.SetWeight("a", math.MaxInt) }, hashring.ErrWeight, []string{`"a"`, strconv.Itoa(math.MaxInt)}},
		{"SetWeight of too many points", func(r *ring) error { return r.SetWeight("b", 4096) }, hashring.ErrTooManyPoints, []string{`"b"`, "4096", "268500992 points"}},

		{"Tx.Set", update(func(tx *hashring.Tx) error { return tx.Set(hashring.Node{ID: "n", Weight: -1}) }), hashring.ErrWeight, []string{`"n"`}},
		{"Tx.Add", update(func(tx *hashring.Tx) error { return tx.Add(hashring.Node{ID: "a"}) }), hashring.ErrDuplicate, []string{`"a"`}},
		{"Tx.Add twice", update(func(tx *hashring.Tx) error {
			if err := tx.Add(hashring.Node{ID: "n"}); err != nil {
				t.Error(err)
			}
			return tx.Add(hashring.Node{ID: "n"})
		}), hashring.ErrDuplicate, []string{`"n"`}},
		{"Tx.Reweight of a removed node", update(func(tx *hashring.Tx) error {
			tx.Remove("a")
			return tx.Reweight("a", 2)
		}), hashring.ErrUnknown, []string{`"a"`}},
		{"Tx.Set of too many points in all", update(func(tx *hashring.Tx) error {
			if err := tx.Set(hashring.Node{ID: "m", Weight: 4000}); err != nil {
				t.Error(err)
			}
			return tx.Set(hashring.Node{ID: "n", Weight: 93})
		}), hashring.ErrTooManyPoints, []string{`"n"`, "268500992 points"}},

		{"New without id", fresh(hashring.Options{}, hashring.Node{ID: "a"}, hashring.Node{}), hashring.ErrID, []string{"empty node id"}},
		{"New of an id twice", fresh(hashring.Options{}, hashring.Node{ID: "c"}, hashring.Node{ID: "a"}, hashring.Node{ID: "c", Weight: 2}), hashring.ErrDuplicate, []string{`"c"`, "twice"}},
		{"New of a bad weight", fresh(hashring.Options{}, hashring.Node{ID: "a", Weight: math.MinInt}), hashring.ErrWeight, []string{`"a"`, strconv.Itoa(math.MinInt)}},
		{"New of long metadata", fresh(hashring.Options{}, hashring.Node{ID: "a", Meta: longMeta}), hashring.ErrMeta, []string{`"a"`}},
		{"New of too many points", fresh(hashring.Options{Points: hashring.MaxWeight}, hashring.Node{ID: "a", Weight: 4097}), hashring.ErrTooManyPoints, []string{"268500992 points"}},
		{"New of too many nodes", fresh(hashring.Options{}, make([]hashring.Node, hashring.MaxNodes+1)...), hashring.ErrTooManyNodes, []string{"1048576 nodes", "at most 1048575"}},
		{"New of points below 0", fresh(hashring.Options{Points: -1}), hashring.ErrOptions, []string{"points -1", "1 to 65536"}},
		{"New of too many points a weight", fresh(hashring.Options{Points: hashring.MaxWeight + 1}), hashring.ErrOptions, []string{"points 65537"}},
		{"New of probes below 0", fresh(hashring.Options{Probes: -1}), hashring.ErrOptions, []string{"probes -1", "1 to 16"}},
		{"New of too many probes", fresh(hashring.Options{Probes: hashring.MaxProbes + 1}), hashring.ErrOptions, []string{"probes 17"}},
		{"New of an unknown layout", fresh(hashring.Options{Layout: 7}), hashring.ErrOptions, []string{"layout 7", "v1 or clusterluck"}},
		{"New of a clusterluck ring with probes", fresh(hashring.Options{Layout: hashring.Clusterluck, Probes: 2}), hashring.ErrOptions, []string{"probes 2", "clusterluck"}},

		{"Merge of other options", func(r *ring) error { return second(r.Merge(other)) }, hashring.ErrOptions, []string{"99", "65536"}},
		{"Intersect of other options", func(r *ring) error { return second(r.Intersect(other)) }, hashring.ErrOptions, []string{"99", "65536"}},
		{"Diff of other layouts", func(r *ring) error {
			return second(hashring.Diff(r.Snapshot(), newRing(t, clusterluckOptions).Snapshot()))
		}, hashring.ErrOptions, []string{"v1", "clusterluck"}},
		{"Diff of other probes", func(r *ring) error {
			return second(hashring.Diff(r.Snapshot(), newRing(t, hashring.Options{Probes: 3}).Snapshot()))
		}, hashring.ErrOptions, []string{"1", "3"}},
		{"ParseLayout", func(*ring) error { return second(hashring.ParseLayout("V1")) }, hashring.ErrOptions, []string{`"V1"`, "v1 or clusterluck"}},
		{"Layout.UnmarshalText", func(*ring) error { return new(hashring.Layout).UnmarshalText([]byte("v2")) }, hashring.ErrOptions, []string{`"v2"`}},
		{"Layout.MarshalText", func(*ring) error { return second(hashring.Layout(7).MarshalText()) }, hashring.ErrOptions, []string{"7"}},
		{"Ranges of an unknown id", func(r *ring) error { return second(r.Ranges("n")) }, hashring.ErrUnknown, []string{`"n"`}},
		{"Ranges with probes", func(*ring) error {
			return second(newRing(t, hashring.Options{Probes: 2}, hashring.Node{ID: "a"}).Ranges("a"))
		}, hashring.ErrProbes, []string{`"a"`, "2 probes"}},
		{"Moves with probes", func(*ring) error {
			s := newRing(t, hashring.Options{Probes: 2}, hashring.Node{ID: "a"}).Snapshot()
			d, err := hashring.Diff(s, s)
			if err != nil {
				t.Error(err)
			}
			return second(d.Moves())
		}, hashring.ErrProbes, []string{"2 probes"}},
		{"NewBounded below 1", func(r *ring) error { return second(hashring.NewBounded(r, 0.99)) }, hashring.ErrBound, []string{"0.99", "at least 1"}},
		{"NewBounded of NaN", func(r *ring) error { return second(hashring.NewBounded(r, math.NaN())) }, hashring.ErrBound, []string{"NaN"}},
		{"NewBounded of infinity", func(r *ring) error { return second(hashring.NewBounded(r, math.Inf(1))) }, hashring.ErrBound, []string{"+Inf"}},

		{"UnmarshalBinary of text", func(r *ring) error { return r.UnmarshalBinary([]byte("text")) }, hashring.ErrEncoding, []string{"decode", `"CLHR"`}},
		{"UnmarshalJSON of binary", func(r *ring) error { return r.UnmarshalJSON([]byte("CLHR")) }, hashring.ErrEncoding, []string{"decode", "invalid character"}},
		{"UnmarshalJSON of a later version", func(r *ring) error { return jsonOf(r, `"version":1`, `"version":3`) }, hashring.ErrVersion, []string{"version 3", "reads 1"}},
		{"UnmarshalJSON of an unknown layout", func(r *ring) error { return jsonOf(r, `"v1"`, `"v9"`) }, hashring.ErrOptions, []string{"decode", `"v9"`}},
		{"UnmarshalJSON of another weight", func(r *ring) error { return jsonOf(r, `"weight":3`, `"weight":4`) }, hashring.ErrFingerprint, []string{"fingerprint"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := base.Clone()
			before, snap := r.Fingerprint(), r.Snapshot()
			err := tt.call(r)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "hashring: ") || strings.Count(err.Error(), "hashring") != 1 {
				t.Errorf("%q does not name the package once, at the start", err)
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if len(err.Error()) > 300 {
				t.Errorf("the message has %d bytes: %.80q...", len(err.Error()), err)
			}
			if r.Fingerprint() != before || r.Len() != 2 || r.Points() != 4*hashring.MaxWeight || r.Snapshot() != snap {
				t.Errorf("the ring has changed to %v", slices.Collect(r.Nodes()))
			}
		})
	}
}

// A ring of the most nodes takes no more, but still changes.
func TestMostNodes(t *testing.T) {
	opts := hashring.Options{Points: 1}
	r := newRing(t, opts, numbered(hashring.MaxNodes)...)
	before := r.Fingerprint()
	one := newRing(t, opts, hashring.Node{ID: "one more"})
	for name, err := range map[string]error{
		"Set":   r.Set(hashring.Node{ID: "one more"}),
		"Add":   r.Add(hashring.Node{ID: "one more"}),
		"Merge": func() error { _, err := r.Merge(one); return err }(),
	} {
		if !errors.Is(err, hashring.ErrTooManyNodes) || !strings.Contains(err.Error(), "1048575") {
			t.Errorf("%s of one more node: %v, want ErrTooManyNodes with the limit", name, err)
		}
	}
	if r.Fingerprint() != before || r.Len() != hashring.MaxNodes {
		t.Errorf("refused nodes changed the ring to %d nodes", r.Len())
	}
	err := r.Update(func(tx *hashring.Tx) error {
		tx.Remove("n7")
		return errors.Join(tx.Add(hashring.Node{ID: "one more"}), tx.Reweight("n8", 2))
	})
	if err != nil || r.Len() != hashring.MaxNodes || r.Points() != hashring.MaxNodes+1 || !r.Has("one more") || r.Has("n7") {
		t.Errorf("a node for another and a weight: error %v, then %d nodes and %d points", err, r.Len(), r.Points())
	}
}

// The error of the function is the error of Update, and undoes what went well
// before it. A call that failed does not, if the function goes on.
func TestUpdateIsAllOrNothing(t *testing.T) {
	r := newRing(t, hashring.Options{}, numbered(5)...)
	before, mine := r.Fingerprint(), errors.New("mine")
	err := r.Update(func(tx *hashring.Tx) error {
		if err := errors.Join(tx.Set(hashring.Node{ID: "new"}), tx.Reweight("n1", 9)); err != nil || !tx.Remove("n0") {
			t.Errorf("changes in the update: %v", err)
		}
		if n, _ := tx.Get("n1"); n.Weight != 9 || tx.Len() != 5 || tx.Has("n0") || !tx.Has("new") {
			t.Errorf("the update does not read as the ring will be: %v, %d nodes", n, tx.Len())
		}
		return mine
	})
	if err != mine || r.Fingerprint() != before {
		t.Errorf("Update = %v, want the function's error itself, and the ring as before", err)
	}
	err = r.Update(func(tx *hashring.Tx) error {
		for _, n := range []hashring.Node{{ID: "n1", Weight: -1}, {ID: ""}, {ID: "x", Meta: strings.Repeat("m", hashring.MaxMetaLen+1)}} {
			if tx.Set(n) == nil || tx.Len() != 5 || tx.Has("x") {
				t.Errorf("a refused Set of %.20v changed the update", n)
			}
		}
		return tx.Set(hashring.Node{ID: "good"})
	})
	if n, _ := r.Get("n1"); err != nil || r.Len() != 6 || n.Weight != 1 || !r.Has("good") {
		t.Errorf("Update that went on after refused calls: %v, then %v", err, slices.Collect(r.Nodes()))
	}
}

// A panic of the function passes through Update and leaves the ring usable.
func TestUpdateSurvivesPanic(t *testing.T) {
	r := newRing(t, hashring.Options{}, numbered(5)...)
	before := r.Fingerprint()
	func() {
		defer func() {
			if got := recover(); got != "mine" {
				t.Errorf("recovered %v, want the function's panic", got)
			}
		}()
		_ = r.Update(func(tx *hashring.Tx) error {
			tx.Remove("n0")
			panic("mine")
		})
	}()
	if r.Fingerprint() != before {
		t.Error("the update that panicked changed the ring")
	}
	if !r.Remove("n0") {
		t.Error("the ring takes no more changes")
	}
}

// A Tx kept beyond its Update must not change anything, and must say so.
func TestTxIsOverAfterUpdate(t *testing.T) {
	r := newRing(t, hashring.Options{}, numbered(5)...)
	var kept *hashring.Tx
	if err := r.Update(func(tx *hashring.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	before := r.Fingerprint()
	for name, err := range map[string]error{
		"Set":                       kept.Set(hashring.Node{ID: "new"}),
		"Set of a bad node":         kept.Set(hashring.Node{}),
		"Add":                       kept.Add(hashring.Node{ID: "new"}),
		"Add of a known node":       kept.Add(hashring.Node{ID: "n1"}),
		"Reweight":                  kept.Reweight("n1", 2),
		"Reweight, unknown to both": kept.Reweight("new", 2),
	} {
		if !errors.Is(err, hashring.ErrDone) || !strings.HasPrefix(err.Error(), "hashring: ") {
			t.Errorf("%s after the update: %v, want ErrDone", name, err)
		}
	}
	if kept.Remove("n1") {
		t.Error("Remove after the update reports that it removed a node")
	}
	if kept.Len() != 5 || !kept.Has("n1") || r.Fingerprint() != before {
		t.Error("the update that is over changed")
	}
}
