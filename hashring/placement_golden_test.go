package hashring_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// A placementGolden is testdata/placements_v1.json.
type placementGolden struct {
	Nodes  []hashring.Node
	Hashes []string
	Cases  []struct {
		Algo     string
		Weighted bool
		Nodes    int
		Size     int
		Probes   int
		Capacity int
		Removed  []int
		Owners   []int
		SHA256   string
	}
}

func TestPlacementGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/placements_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden placementGolden
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	hashes := make([]uint64, len(golden.Hashes))
	for i, hex := range golden.Hashes {
		if hashes[i], err = strconv.ParseUint(hex, 16, 64); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := xxh3.HashString("user:0"), hashes[4]; got != want {
		t.Errorf("xxh3 of user:0 is %#x, want %#x", got, want)
	}
	algos := make(map[string]bool)
	for _, c := range golden.Cases {
		nodes := slices.Clone(golden.Nodes)
		for i := range nodes {
			if !c.Weighted {
				nodes[i].Weight = 0
			}
		}
		algos[c.Algo] = true
		t.Run(fmt.Sprintf("%s/weighted=%t/nodes=%d", c.Algo, c.Weighted, c.Nodes), func(t *testing.T) {
			var p hashring.Placement
			var err error
			switch c.Algo {
			case "jump":
				p, err = hashring.NewJump(c.Nodes)
			case "rendezvous":
				p, err = hashring.NewRendezvous(nodes)
			case "maglev":
				p, err = hashring.NewMaglev(nodes, c.Size)
			case "multiprobe":
				p, err = hashring.NewMultiProbe(nodes, c.Probes)
			case "anchor":
				var anchor *hashring.Anchor
				anchor, err = hashring.NewAnchor(c.Capacity, c.Nodes)
				for _, i := range c.Removed {
					err = errors.Join(err, anchor.Remove(i))
				}
				p = anchor
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.Owners {
				if got := p.Locate(hashes[i]); got != want {
					t.Errorf("hash %#x is of %d, pinned to %d", hashes[i], got, want)
				}
			}
			var answers []byte
			for i := range uint64(20_000) {
				answers = binary.LittleEndian.AppendUint32(answers, uint32(p.Locate(splitMix(1, i))))
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(answers)); got != c.SHA256 {
				t.Errorf("the SHA-256 of 20000 answers is %s, pinned to %s", got, c.SHA256)
			}
		})
	}
	if len(algos) != 5 || len(golden.Cases) < 10 {
		t.Errorf("%d cases of %d algorithms, want at least 10 of 5", len(golden.Cases), len(algos))
	}
}
