package keys_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
)

// A key that came twice would be looked up from a warm cache the second time.
func TestMixedKeysAreDistinctAndRepeatable(t *testing.T) {
	const n = 100_000
	ks := keys.Mixed(n, 1)
	seen := make(map[string]bool, n)
	var uuids, users, phrases int
	for _, k := range ks {
		if seen[k] {
			t.Fatalf("key %q comes twice", k)
		}
		seen[k] = true
		switch {
		case len(k) == 36 && strings.Count(k, "-") == 4:
			uuids++
		case strings.HasPrefix(k, "user:"):
			users++
		default:
			phrases++
		}
	}
	if min(uuids, users, phrases) < n/3 {
		t.Errorf("%d UUIDs, %d users, %d phrases, want %d of each at least", uuids, users, phrases, n/3)
	}
	if !slices.Equal(ks, keys.Mixed(n, 1)) {
		t.Error("the same seed gave other keys")
	}
	if slices.Equal(ks, keys.Mixed(n, 2)) {
		t.Error("another seed gave the same keys")
	}
}
