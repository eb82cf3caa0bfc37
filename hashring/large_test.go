package hashring_test

import (
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// A line has room for slots below 65,535. Rings around that size, and rings
// that cross it, must answer as their own points do, by every way to ask.
func TestRingsAroundTheLargestLine(t *testing.T) {
	for _, probes := range []int{1, 2} {
		nodes := make([]hashring.Node, 65_534)
		for i := range nodes {
			nodes[i] = hashring.Node{ID: "n" + strconv.Itoa(i)}
		}
		r, err := hashring.New(hashring.Options{Points: 1, Probes: probes}, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		checkWays(t, r)
		for i := len(nodes); i < 65_539; i++ { // across the border, one by one
			if err := r.Add(hashring.Node{ID: "n" + strconv.Itoa(i)}); err != nil {
				t.Fatal(err)
			}
			checkWays(t, r)
		}
		for i := range 6 { // with slots free, and back
			r.Remove("n" + strconv.Itoa(65_538-i))
			r.Remove("n" + strconv.Itoa(i))
			checkWays(t, r)
		}
	}
}

// checkWays compares the owners that a ring gives by lines, if it has any, with
// those that it finds by points, which a walk of more than 16 nodes does.
func checkWays(t *testing.T, r *hashring.Ring) {
	t.Helper()
	b, err := hashring.NewBounded(r, 1e6)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]string, 0, 17)
	for i := range 300 {
		key := "key" + strconv.Itoa(i)
		dst = r.AppendOwners(dst[:0], key, 17)
		byBytes, _ := r.OwnerBytes([]byte(key))
		byHash, _ := r.OwnerHash(r.Hash(key))
		lease, _ := b.Acquire(key)
		first := r.AppendOwners(nil, key, 1)[0]
		owner, ok := r.Owner(key)
		if want := dst[0]; !ok || owner != want || byBytes != want || byHash != want || first != want || lease.Node != want {
			t.Fatalf("%d nodes: %q belongs to %q by its points, Owner %q, OwnerBytes %q, OwnerHash %q, AppendOwners %q, Acquire %q",
				r.Len(), key, want, owner, byBytes, byHash, first, lease.Node)
		}
		lease.Release()
	}
}
