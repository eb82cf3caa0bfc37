package ring

import (
	"fmt"
	"math/bits"
	"math/rand/v2"

	"github.com/zeebo/xxh3"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

// anatomy shows where the time of a lookup goes. Each step does what the one
// before does and one thing more, over tables of random contents that are as
// large as those of the ring. It has no goal: it explains the distance between
// ours and the floor.
func (b *bench) anatomy(n int) report.Work {
	name := fmt.Sprintf("where a lookup's time goes, %s nodes", size(n))
	run := func() ([]report.Row, error) {
		f, err := b.of(n)
		if err != nil {
			return nil, err
		}
		t := newTables(n)
		steps := []struct {
			name, note string
			run        func([]string) int
		}{
			{"hash", "xxh3 of the key", hashes},
			{"load", "and one word of a line of a flat table: the floor", measure.NewFloor(len(t.flat) * line).Owners},
			{"slot", "and the rank in the line, the slot of the node", t.slots},
			{"id", "and the id of the node", t.withIDs},
			{"ring", "Ring.Owner: and whether the line settles it, a call, and the exact points if not", f.ours().Owners},
		}
		cs := make([]measure.Contender, len(steps))
		for i, s := range steps {
			cs[i] = measure.Contender{Name: s.name, Run: s.run}
		}
		all := measure.Lookups(b.lookups(), b.keys(), cs)
		row := report.NewRow(name, "ns")
		for i, s := range steps {
			row.Add("step", s.note, all[i])
		}
		row.SetOurs(all[len(all)-1])
		row.SetFloor(all[1])
		return []report.Row{row}, nil
	}
	return report.Work{Name: name, Run: run, Goals: []string{"none, shown"}}
}

const (
	lanesOne   = 0x0001000100010001
	lanesCarry = lanesOne << placeBits
	placeBits  = 12
	// linePoints is the mean number of points that share a line.
	linePoints = 11
)

type hotLine [line / 8]uint64

// tables holds what a lookup reads.
type tables struct {
	flat []hotLine
	ids  []string
}

func newTables(n int) *tables {
	rnd := rand.New(rand.NewPCG(seed, 0))
	t := &tables{make([]hotLine, n*points/linePoints), keys.Nodes(n)}
	for i := range t.flat {
		for w := range 4 {
			t.flat[i][w] = rnd.Uint64() & (lanesCarry - lanesOne)
			for lane := range 4 {
				t.flat[i][4+w] |= rnd.Uint64N(uint64(n)) << (16 * lane)
			}
		}
	}
	return t
}

// slot ranks a place in a line and returns the slot found, as hashring does.
func (l *hotLine) slot(rest uint64) uint64 {
	x := rest >> (64 - placeBits) * lanesOne
	before := (x+l[0])&lanesCarry + (x+l[1])&lanesCarry + (x+l[2])&lanesCarry + (x+l[3])&lanesCarry
	rank := before * lanesOne >> (48 + placeBits)
	return l[4+rank/4] >> (rank % 4 * 16) & 0xffff
}

func hashes(keys []string) (n int) {
	for _, k := range keys {
		n += int(xxh3.HashString(k))
	}
	return n
}

func (t *tables) slots(keys []string) (n int) {
	for _, k := range keys {
		bucket, rest := bits.Mul64(xxh3.HashString(k), uint64(len(t.flat)))
		n += int(t.flat[bucket].slot(rest))
	}
	return n
}

func (t *tables) withIDs(keys []string) (n int) {
	for _, k := range keys {
		bucket, rest := bits.Mul64(xxh3.HashString(k), uint64(len(t.flat)))
		n += len(t.ids[t.flat[bucket].slot(rest)])
	}
	return n
}
