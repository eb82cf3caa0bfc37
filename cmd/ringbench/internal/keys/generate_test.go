package keys_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

func generated(t *testing.T, spec string, seed uint64) *keys.Set {
	t.Helper()
	set, err := source(t, spec, "", "").Load(t.Context(), keys.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The first keys of every generator are pinned: a spec and a seed must give the
// same keys for ever.
func TestGeneratorsArePinned(t *testing.T) {
	tests := []struct {
		spec string
		want string
	}{
		{"uniform:n=2,len=11", "nh112nllbcg zf67bkwy6sc"},
		{"seq:n=3", "key-0 key-1 key-2"},
		{"seq:n=2,prefix=user:", "user:0 user:1"},
		{"uuid:n=1", "f2a5eced-b652-4ba6-9a8a-7057c6662e73"},
		{"zipf:n=6,s=1,distinct=100", "key-3 key-10 key-1 key-15 key-1 key-18"},
		{"hotspot:n=6,hot=2,share=0.5,distinct=1k", "key-450 key-361 key-329 hot-2 key-827 key-194"},
	}
	for _, tt := range tests {
		set := generated(t, tt.spec, 1)
		if got := strings.Join(slices.Collect(set.All()), " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.spec, got, tt.want)
		}
	}
}

func TestGeneratorsDependOnTheSeed(t *testing.T) {
	for _, spec := range []string{"uniform:n=50", "uuid:n=50", "zipf:n=50", "hotspot:n=50", "accesslog:n=50"} {
		one, two, other := generated(t, spec, 1), generated(t, spec, 1), generated(t, spec, 2)
		if !slices.Equal(slices.Collect(one.All()), slices.Collect(two.All())) {
			t.Errorf("%s: one seed made different keys", spec)
		}
		if slices.Equal(slices.Collect(one.All()), slices.Collect(other.All())) {
			t.Errorf("%s: two seeds made the same keys", spec)
		}
		if !one.Generated() {
			t.Errorf("%s: does not say that it is generated", spec)
		}
	}
}

func TestUniformKeysHaveTheirLength(t *testing.T) {
	letters := regexp.MustCompile(`^[0-9a-z]+$`)
	for _, n := range []int{1, 9, 10, 11, 20, 4096} {
		key := generated(t, fmt.Sprintf("uniform:n=1,len=%d", n), 5).At(0)
		if len(key) != n || !letters.MatchString(key) {
			t.Errorf("len=%d: got %q of %d letters", n, key, len(key))
		}
	}
	if n := generated(t, "uniform:n=1e4", 1).Distinct(); n != 1e4 {
		t.Errorf("10,000 keys of 16 letters: %d distinct; a repeat has a chance of 1 in 10^17", n)
	}
}

func TestUUIDsAreVersion4(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for key := range generated(t, "uuid:n=100", 1).All() {
		if !form.MatchString(key) {
			t.Fatalf("%q is no UUID of version 4", key)
		}
	}
}

// The draws must follow 1/k^s for any s > 0. Pearson's chi-squared on d-1
// degrees of freedom has mean d-1 and variance 2(d-1); six standard deviations
// are exceeded by chance less than once in a million runs, and the seed is
// fixed anyway.
func TestZipfFollowsItsLaw(t *testing.T) {
	const n, d = 200_000, 50
	for _, s := range []float64{0.01, 0.5, 0.99, 1, 1.000001, 1.5, 3} {
		set := generated(t, fmt.Sprintf("zipf:n=%d,s=%g,distinct=%d", n, s, d), 3)
		counts := make(map[string]int)
		for key := range set.All() {
			counts[key]++
		}
		total := 0.0
		for k := 1.0; k <= d; k++ {
			total += math.Pow(k, -s)
		}
		chi, cells, seen := 0.0, 0, 0
		for k := 1; k <= d; k++ {
			expected := n * math.Pow(float64(k), -s) / total
			got := counts[fmt.Sprintf("key-%d", k)]
			seen += got
			if expected >= 5 { // below, chi-squared does not hold
				chi += (float64(got) - expected) * (float64(got) - expected) / expected
				cells++
			}
		}
		if seen != n {
			t.Errorf("s=%g: %d of %d draws are not ranks 1 to %d", s, n-seen, n, d)
		}
		free := float64(cells - 1)
		if limit := free + 6*math.Sqrt(2*free); chi > limit {
			t.Errorf("s=%g: chi-squared %.1f on %v degrees of freedom, want at most %.1f", s, chi, free, limit)
		}
	}
}

// One key, or a law so steep that all draws are rank 1, must not hang.
func TestZipfAtItsEdges(t *testing.T) {
	for _, spec := range []string{"zipf:n=100,s=0.5,distinct=1", "zipf:n=100,s=100,distinct=1e9", "zipf:n=100,s=1e-9,distinct=2^40"} {
		for key := range generated(t, spec, 1).All() {
			if !strings.HasPrefix(key, "key-") || key == "key-0" {
				t.Fatalf("%s: drew %q", spec, key)
			}
		}
	}
	if n := generated(t, "zipf:n=100,s=100,distinct=1e9", 1).Distinct(); n != 1 {
		t.Errorf("s=100: %d distinct keys, want 1", n)
	}
}

// The share is a binomial: its standard error over n draws is at most 0.5 /
// sqrt(n), of which six are allowed.
func TestHotspotGivesTheShare(t *testing.T) {
	const n = 100_000
	set := generated(t, "hotspot:n=1e5,hot=3,share=0.8,distinct=1e4", 1)
	hot := 0
	for key := range set.All() {
		if strings.HasPrefix(key, "hot-") {
			hot++
		}
	}
	if got := float64(hot) / n; math.Abs(got-0.8) > 6*0.5/math.Sqrt(n) {
		t.Errorf("the hot keys got %.4f of the draws, want 0.8", got)
	}
	for _, i := range set.Top(3) {
		if !strings.HasPrefix(set.Key(i), "hot-") {
			t.Errorf("%s is among the top 3, want the 3 hot keys", set.Key(i))
		}
	}
}

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"0": 0, "7": 7, "1000": 1000, "1_000": 1000, "1e6": 1e6, "1E6": 1e6, "1.5e3": 1500, "1k": 1000, "2K": 2000,
		"1.5k": 1500, "3M": 3e6, "2G": 2e9, "2^20": 1 << 20, "10^3": 1000, "2^0": 1, "2^62": 1 << 62,
	}
	for s, want := range good {
		if got, err := keys.ParseSize(s); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "k", "x", "-1", "1.5", "1e-3", "0x10", "2^", "^2", "2^63", "2^64", "10^19", "9223372036854775807G",
		"1e30", "1e400", "Inf", "NaN", "2^-1", "3^999", "1m", "1g", "1 000"} {
		if got, err := keys.ParseSize(s); err == nil {
			t.Errorf("ParseSize(%q) = %d, want an error", s, got)
		}
	}
}
