package hashring_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// A ledger is what a Bounded must do, by the book: it counts every unit itself.
type ledger struct {
	t      *testing.T
	ring   *hashring.Ring
	c      float64
	b      *hashring.Bounded
	loads  map[string]int64
	leases []hashring.Lease
}

func newLedger(t *testing.T, r *hashring.Ring, c float64) *ledger {
	t.Helper()
	b, err := hashring.NewBounded(r, c)
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{t: t, ring: r, c: c, b: b, loads: make(map[string]int64)}
}

// capacity returns ceil(c x load x weight / weights) in exact arithmetic.
func (l *ledger) capacity(id string, load int64) int64 {
	n, ok := l.ring.Get(id)
	if !ok {
		return 0
	}
	weights := int64(0)
	for _, w := range l.ring.Weights() {
		weights += int64(w)
	}
	x := new(big.Rat).SetFloat64(l.c)
	x.Mul(x, big.NewRat(load*int64(n.Weight), weights))
	up := new(big.Int).Add(x.Num(), new(big.Int).Sub(x.Denom(), big.NewInt(1)))
	return up.Div(up, x.Denom()).Int64()
}

// acquire takes a unit for a key and checks that it is on the first node from
// the key on that has room.
func (l *ledger) acquire(key string) {
	l.t.Helper()
	total := int64(len(l.leases)) + 1
	want := ""
	for n := range l.ring.Successors(key) {
		limit, stated := l.capacity(n.ID, total), l.b.Capacity(n.ID)
		if stated > limit || stated < limit-1 { // one less where c has no short binary form
			l.t.Fatalf("Capacity(%q) = %d at a load of %d, want %d", n.ID, stated, total, limit)
		}
		if want == "" && l.loads[n.ID] < stated {
			want = n.ID
		}
	}
	lease, ok := l.b.Acquire(key)
	if !ok || want == "" || lease.Node != want {
		l.t.Fatalf("unit %d, key %q: %q, %v, want %q", total, key, lease.Node, ok, want)
	}
	l.leases = append(l.leases, lease)
	l.loads[lease.Node]++
	if limit := l.capacity(lease.Node, total); l.loads[lease.Node] > limit {
		l.t.Fatalf("node %q has %d units of %d, its capacity is %d", lease.Node, l.loads[lease.Node], total, limit)
	}
	l.check(lease.Node)
}

// release gives back the i-th lease.
func (l *ledger) release(i int) {
	l.t.Helper()
	lease, last := l.leases[i], len(l.leases)-1
	l.leases[i], l.leases = l.leases[last], l.leases[:last]
	lease.Release()
	l.loads[lease.Node]--
	l.check(lease.Node)
}

// check compares the books.
func (l *ledger) check(id string) {
	l.t.Helper()
	if got := l.b.Load(id); got != l.loads[id] {
		l.t.Fatalf("Load(%q) = %d, want %d", id, got, l.loads[id])
	}
	if got := l.b.Total(); got != int64(len(l.leases)) {
		l.t.Fatalf("Total() = %d, want %d", got, len(l.leases))
	}
}

// drain releases everything and checks that nothing is left.
func (l *ledger) drain() {
	l.t.Helper()
	for len(l.leases) > 0 {
		l.release(len(l.leases) - 1)
	}
	for id := range l.loads {
		l.check(id)
	}
}

// Without races no node may ever exceed its capacity, some node must always
// have room, and a unit goes to the first node that has.
func TestBoundedHoldsItsBound(t *testing.T) {
	weights := map[string][]int{
		"one node":    {3},
		"equal":       {1, 1, 1, 1, 1},
		"mixed":       {1, 2, 3, 7, 1, 5},
		"very uneven": {1, 1000},
	}
	for name, weights := range weights {
		for _, c := range []float64{1, 1.1, 1.25, 2, 10} {
			for _, o := range []hashring.Options{{Points: 8}, {Points: 8, Probes: 2}, {Layout: hashring.Clusterluck}} {
				t.Run(name+"/c="+strconv.FormatFloat(c, 'g', -1, 64)+"/"+o.Layout.String()+"/probes="+strconv.Itoa(o.Probes), func(t *testing.T) {
					r, err := hashring.New(o)
					if err != nil {
						t.Fatal(err)
					}
					for i, w := range weights {
						if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(i), Weight: w}); err != nil {
							t.Fatal(err)
						}
					}
					l, rng := newLedger(t, r, c), rand.New(rand.NewPCG(11, uint64(100*c)))
					for range 400 { // two steps up, one step down
						if len(l.leases) > 0 && rng.IntN(3) == 0 {
							l.release(rng.IntN(len(l.leases)))
							continue
						}
						l.acquire(strconv.Itoa(rng.IntN(50))) // few keys, so that owners fill up
					}
					l.drain()
				})
			}
		}
	}
}

// A full node must get its keys back once it has room again.
func TestBoundedReleaseMakesRoom(t *testing.T) {
	const key = "user:42"
	r := ring(t, 4, 1)
	b, err := hashring.NewBounded(r, 1)
	if err != nil {
		t.Fatal(err)
	}
	order := r.AppendOwners(nil, key, 4)
	leases := make([]hashring.Lease, 4)
	for i := range leases { // c = 1: one unit each, in the key's order
		leases[i], _ = b.Acquire(key)
		if leases[i].Node != order[i] {
			t.Fatalf("unit %d is on %q, want %q", i, leases[i].Node, order[i])
		}
	}
	for i, l := range leases {
		l.Release()
		again, ok := b.Acquire(key)
		if !ok || again.Node != order[i] {
			t.Errorf("with room on %q alone a unit is on %q, %v", order[i], again.Node, ok)
		}
	}
	hashring.Lease{}.Release() // of no node: nothing to do
	if b.Total() != 4 {
		t.Errorf("Total() = %d, want 4", b.Total())
	}
}

// A Bounded must follow its ring while leases are held: they stay counted, on
// nodes that left as well, and bounds are those of the ring as it is.
func TestBoundedFollowsItsRing(t *testing.T) {
	for _, c := range []float64{1, 1.25} {
		r, rng := ring(t, 4, 2), rand.New(rand.NewPCG(12, 13))
		l := newLedger(t, r, c)
		some := func() {
			for range 60 {
				l.acquire(strconv.Itoa(rng.IntN(1000)))
			}
			for range 20 {
				l.release(rng.IntN(len(l.leases)))
			}
		}
		change := func(what string, err error) {
			if err != nil {
				t.Fatal(err)
			}
			for id, load := range l.loads {
				if got := l.b.Load(id); got != load {
					t.Fatalf("%s: Load(%q) = %d, want %d", what, id, got, load)
				}
			}
		}
		some()
		change("add", r.Add(hashring.Node{ID: "new"}))
		some()
		change("reweight", r.SetWeight("n1", 9))
		some()
		if l.loads["n2"] == 0 || !r.Remove("n2") {
			t.Fatal("n2 has no load to leave with")
		}
		change("remove", nil)
		if got := l.b.Capacity("n2"); got != 0 {
			t.Errorf("Capacity of a node that left = %d, want 0", got)
		}
		some()
		if l.loads["n2"] == 0 {
			t.Fatal("n2 lost the load that it left with")
		}
		change("come back", r.Add(hashring.Node{ID: "n2"}))
		some()
		for i := 0; i < len(l.leases); { // it leaves without load and comes back with none
			if l.leases[i].Node == "n2" {
				l.release(i)
			} else {
				i++
			}
		}
		r.Remove("n2")
		some()
		change("come back empty", r.Add(hashring.Node{ID: "n2"}))
		some()
		l.drain()
	}
}

// Without nodes there is no room, but what is held can be given back.
func TestBoundedOverEmptyRing(t *testing.T) {
	r := ring(t, 1, 1)
	b, err := hashring.NewBounded(r, 1.25)
	if err != nil {
		t.Fatal(err)
	}
	held, _ := b.Acquire("key")
	r.Remove("n0")
	if l, ok := b.Acquire("key"); ok || l.Node != "" {
		t.Errorf("Acquire on an empty ring = %q, %v", l.Node, ok)
	}
	if b.Total() != 1 || b.Load("n0") != 1 {
		t.Errorf("Total() = %d, Load() = %d, want 1 unit on the node that left", b.Total(), b.Load("n0"))
	}
	held.Release()
	if b.Total() != 0 || b.Load("n0") != 0 {
		t.Errorf("Total() = %d, Load() = %d, want none", b.Total(), b.Load("n0"))
	}
}

func TestNewBounded(t *testing.T) {
	tests := []struct {
		name string
		c    float64
		want error
	}{
		{"perfectly even", 1, nil},
		{"usual", 1.25, nil},
		{"no bound in practice", math.MaxFloat64, nil},
		{"no room for all", math.Nextafter(1, 0), hashring.ErrBound},
		{"zero", 0, hashring.ErrBound},
		{"negative", -2, hashring.ErrBound},
		{"no number", math.NaN(), hashring.ErrBound},
		{"no bound", math.Inf(1), hashring.ErrBound},
		{"negative infinity", math.Inf(-1), hashring.ErrBound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hashring.NewBounded(ring(t, 3, 1), tt.c)
			if !errors.Is(err, tt.want) || (b != nil) != (err == nil) {
				t.Fatalf("NewBounded(%v): made %v, error %v, want error %v", tt.c, b != nil, err, tt.want)
			}
			if b == nil {
				return
			}
			for range 3 {
				if _, ok := b.Acquire("key"); !ok {
					t.Error("no room")
				}
			}
			if got := b.Capacity("n1"); got < 1 {
				t.Errorf("with c = %v Capacity = %d, want room", tt.c, got)
			}
		})
	}
}

// A bound so large that nothing reaches it must leave every key at its owner.
func TestBoundedHugeBoundIsTheRing(t *testing.T) {
	for _, c := range []float64{1e6, 1e19, math.MaxFloat64} {
		r := ring(t, 5, 1)
		b, err := hashring.NewBounded(r, c)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			key := strconv.Itoa(i % 7)
			owner, _ := r.Owner(key)
			if l, _ := b.Acquire(key); l.Node != owner {
				t.Fatalf("c = %v: unit %d of %q is on %q, want its owner %q", c, i, key, l.Node, owner)
			}
			if got := b.Capacity(owner); got < b.Load(owner) {
				t.Fatalf("c = %v: Capacity(%q) = %d with a load of %d", c, owner, got, b.Load(owner))
			}
		}
	}
}

// Racers may take all room between them, of which no test can be sure; the work
// must still go somewhere, and be counted.
func TestBoundedWithoutRoom(t *testing.T) {
	r := ring(t, 5, 1)
	b, err := hashring.NewBounded(r, 1)
	if err != nil {
		t.Fatal(err)
	}
	owner, _ := r.Owner("key")
	for i := range int64(3) {
		lease := b.Overflow("key")
		if got := b.Load(owner); lease.Node != owner || got != i+1 {
			t.Errorf("unit %d without room is on %q, whose load is %d; want %q", i+1, lease.Node, got, owner)
		}
		defer func() {
			lease.Release()
			if got := b.Load(owner); got != i {
				t.Errorf("released, the load is %d, want %d", got, i)
			}
		}()
	}
}

// Load counts what a node still has after it left the ring.
func TestBoundedLoadOfANodeThatLeft(t *testing.T) {
	r := ring(t, 5, 1)
	b, err := hashring.NewBounded(r, 1.25)
	if err != nil {
		t.Fatal(err)
	}
	lease, _ := b.Acquire("key")
	r.Remove(lease.Node)
	if got := b.Load(lease.Node); got != 1 {
		t.Errorf("the load of a node that left is %d, want 1", got)
	}
	lease.Release()
	if got := b.Load(lease.Node); got != 0 {
		t.Errorf("released, it is %d, want 0", got)
	}
}

// A goroutine may count a unit on the counter of a node that has just left and
// come back, and so has another counter: the unit must move there.
func TestBoundedMovesLateUnits(t *testing.T) {
	r := ring(t, 5, 1)
	b, err := hashring.NewBounded(r, 1.25)
	if err != nil {
		t.Fatal(err)
	}
	owner, _ := r.Owner("key")
	early, _ := b.Acquire("key")
	early.Release()
	lease := b.AcquireLate("key", func() {
		b.Forget(owner) // as a change of the ring does that saw it at zero
		r.Set(hashring.Node{ID: owner, Meta: "back"})
		b.Load("any") // sees the change, and makes a new counter
	})
	if got := b.Load(owner); lease.Node != owner || got != 1 {
		t.Errorf("the late unit is on %q, and the load of %q is %d; want 1", lease.Node, owner, got)
	}
	lease.Release()
	if got := b.Load(owner); got != 0 {
		t.Errorf("released, the load is %d, want 0", got)
	}
}
