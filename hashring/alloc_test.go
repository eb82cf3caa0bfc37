package hashring_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// Lookups are on hot paths of their users: they must not allocate, whatever
// path they take through the ring.
func TestLookupsDoNotAllocate(t *testing.T) {
	long := strings.Repeat("long key,", 11)
	for _, opts := range []hashring.Options{{}, {Probes: 2}, hashring.Truncated(hashring.Options{}, 36), {Layout: hashring.Clusterluck}} {
		r, err := hashring.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if err := r.Set(hashring.Node{ID: "n" + strconv.Itoa(i), Zone: strconv.Itoa(i % 3)}); err != nil {
				t.Fatal(err)
			}
		}
		keys := make([]string, 4096)
		for i := range keys {
			keys[i] = strconv.Itoa(i)
		}
		b, err := hashring.NewBounded(r, 1.25)
		if err != nil {
			t.Fatal(err)
		}
		dst, bytes := make([]string, 0, 16), []byte("user:42, of more than 32 bytes: they fit no small buffer")
		i := 0
		for name, read := range map[string]func(key string){
			"Owner":             func(key string) { r.Owner(key) },
			"OwnerBytes":        func(string) { r.OwnerBytes(bytes) },
			"OwnerHash":         func(key string) { r.OwnerHash(r.Hash(key)) },
			"AppendOwners 3":    func(key string) { dst = r.AppendOwners(dst[:0], key, 3) },
			"AppendOwners 16":   func(key string) { dst = r.AppendOwners(dst[:0], key, 16) },
			"AppendZoneOwners":  func(key string) { dst = r.AppendZoneOwners(dst[:0], key, 3) },
			"AppendPreceding":   func(key string) { dst = r.AppendPreceding(dst[:0], key, 3) },
			"Owner of 99 bytes": func(string) { r.Owner(long) },
			"Get":               func(string) { r.Get("n7") },
			"Fingerprint":       func(string) { r.Fingerprint() },
			"Acquire, Release":  func(key string) { l, _ := b.Acquire(key); l.Release() },
		} {
			t.Run(fmt.Sprintf("%v/%s", r.Options(), name), func(t *testing.T) {
				got := testing.AllocsPerRun(2*len(keys), func() {
					read(keys[i%len(keys)])
					i++
				})
				if got != 0 {
					t.Errorf("%s allocates %v times a call, want 0", name, got)
				}
			})
		}
	}
}

// An update must cost the pages it touches, not the ring: peers that sort or
// copy all points on every Add copy 8 bytes and more a point. Now and then one
// copies all lines, which are less than half of the ring.
func TestUpdateCopiesLittle(t *testing.T) {
	const adds = 40
	r := ring(t, 1000, 1)
	all, sum, worst := uint64(r.Bytes()), uint64(0), uint64(0)
	for i := range adds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := r.Set(hashring.Node{ID: "new" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		sum, worst = sum+got, max(worst, got)
	}
	if sum/adds > all/5 || worst > all*3/5 {
		t.Errorf("adding one node of 1000 allocates %d bytes, at worst %d, of a ring of %d; want at most a fifth, and three fifths at worst",
			sum/adds, worst, all)
	}
}
