package hashring_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

func BenchmarkPlacementLocate(b *testing.B) {
	hashes := make([]uint64, 1<<16)
	for i := range hashes {
		hashes[i] = splitMix(60, uint64(i))
	}
	for _, nodes := range []int{10, 100, 1000, 10_000} {
		all := allPlacements(b, nodes)
		for _, algo := range slices.Sorted(maps.Keys(all)) {
			p := all[algo]
			b.Run(fmt.Sprintf("algo=%s/nodes=%d", algo, nodes), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p.Locate(hashes[i%len(hashes)])
				}
			})
		}
	}
}

func BenchmarkPlacementNew(b *testing.B) {
	for _, nodes := range []int{10, 100, 1000, 10_000} {
		for _, weights := range [][]int{nil, {1, 2, 3, 4}} {
			list, suffix := placementNodes(nodes, weights...), ""
			if weights != nil {
				suffix = "-weighted"
			}
			for _, p := range namedPlacements() {
				build := p.make
				if p.name == "maglev" {
					build = func(nodes []hashring.Node) (hashring.Placement, error) { return hashring.NewMaglev(nodes, 0) }
				}
				b.Run(fmt.Sprintf("algo=%s%s/nodes=%d", p.name, suffix, nodes), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := build(list); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
