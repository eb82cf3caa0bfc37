package hashring_test

import (
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// The answers are those of other implementations of the paper, so that a
// program may share its shards with programs that use those.
func TestJumpAgreesWithOthers(t *testing.T) {
	tests := []struct {
		hash    uint64
		n, want int
	}{
		{1, 1, 0},
		{42, 57, 43},
		{0xDEAD10CC, 1, 0},
		{0xDEAD10CC, 666, 361},
		{256, 1024, 520},
	}
	for _, tt := range tests {
		j, err := hashring.NewJump(tt.n)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.Locate(tt.hash); got != tt.want {
			t.Errorf("hash %#x is of %d of %d nodes, want %d", tt.hash, got, tt.n, tt.want)
		}
	}
}

func TestJumpMovesKeysToTheNewNodeOnly(t *testing.T) {
	for i := range uint64(2000) {
		hash, before := splitMix(20, i), 0
		for n := 2; n <= 70; n++ {
			j, err := hashring.NewJump(n)
			if err != nil {
				t.Fatal(err)
			}
			now := j.Locate(hash)
			if now != before && now != n-1 {
				t.Fatalf("hash %#x moved from node %d to %d when node %d joined", hash, before, now, n-1)
			}
			before = now
		}
	}
}
