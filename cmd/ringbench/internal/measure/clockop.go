package measure

import (
	"time"

	"github.com/clusterluck/clusterluck/vectorclock"
)

// A clockOp is one operation on clocks.
type clockOp struct {
	name  string // its metric without "clock-"
	group Group
	means string
	least int // entries that it needs
	// a and b say which clocks of a pair it works on; b is nil if one is enough.
	a, b func(p *clockPair) []byte
	// loop does n operations. It returns a sum of what they returned, so that
	// none can be left out.
	loop func(w *clockWork, n int) (sum int, err error)
}

// metric returns the name of the operation's time.
func (o *clockOp) metric() string { return "clock-" + o.name }

func mine(p *clockPair) []byte   { return p.mine }
func newer(p *clockPair) []byte  { return p.newer }
func left(p *clockPair) []byte   { return p.left }
func right(p *clockPair) []byte  { return p.right }
func others(p *clockPair) []byte { return p.others }

// clockOps returns the operations in the order of the report.
func clockOps() []clockOp {
	return []clockOp{
		{"increment", Increments, "time to count one event more of the actor that was counted last", 1, mine, nil, increments},
		{"compare-equal", Compares, "time to compare clocks of the same actors, compared before, that have seen the same", 1, mine, mine, compares},
		{"compare-ahead", Compares, "time to compare a clock with one of the same actors, compared before, that lacks one event of an actor in the middle", 1, newer, mine, compares},
		{"compare-concurrent", Compares, "time to compare clocks of the same actors, compared before, of which each lacks one event of the other, a third and two thirds of the way", 2, left, right, compares},
		{"merge-nothing", Merges, "time to merge a clock of the same actors, compared before, that has seen the same: nothing changes", 1, mine, mine, merges},
		{"merge-others", Merges, "time to clone a clock and merge as many entries of other actors into the copy", 1, mine, others, mergesOfOthers},
		{"clone", Clones, "time to clone a clock", 1, mine, nil, clones},
		{"clone-write", Clones, "time to clone a clock and count one event in the copy", 1, mine, nil, clonesAndWrites},
		{"encode", Encodes, "time to append the binary encoding to a buffer that has room", 1, mine, nil, encodes},
		{"decode", Decodes, "time to decode, by a Decoder that knows the actors", 1, mine, nil, decodes},
	}
}

// A clockWork is what one instance of an operation works on.
type clockWork struct {
	turns   []clockTurn // a power of two of them
	decoder vectorclock.Decoder
}

// A clockTurn is the clocks of one operation; the next takes the next turn.
type clockTurn struct {
	own       string
	a, b      vectorclock.Clock
	data      []byte            // what a was decoded from
	kept      vectorclock.Clock // what the operation made
	keptBytes []byte
}

// newClockWork decodes the clocks of an operation, each with a list of actors of
// its own. Package vectorclock remembers that two lists are the same: only the
// first operation on two clocks compares all names, and warming up does that one.
func newClockWork(op *clockOp, pairs []clockPair) (*clockWork, error) {
	w := &clockWork{turns: make([]clockTurn, len(pairs))}
	for i := range pairs {
		p, t := &pairs[i], &w.turns[i]
		t.own, t.data = p.own, append([]byte(nil), op.a(p)...)
		if err := t.a.UnmarshalBinary(t.data); err != nil {
			return nil, err
		}
		if op.b == nil {
			continue
		}
		if err := t.b.UnmarshalBinary(op.b(p)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *clockWork) turn(i int) *clockTurn { return &w.turns[i&(len(w.turns)-1)] }

func increments(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		dot, err := t.a.Increment(t.own, clockEnd+int64(i))
		if err != nil {
			return 0, err
		}
		sum += int(dot.Count)
	}
	return sum, nil
}

func compares(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		sum += int(t.a.Compare(&t.b))
	}
	return sum, nil
}

func merges(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		sum += btoi(t.a.Merge(&t.b))
	}
	return sum, nil
}

func mergesOfOthers(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		t.kept = t.a.Clone()
		sum += btoi(t.kept.Merge(&t.b))
	}
	return sum, nil
}

func clones(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		t.kept = t.a.Clone()
	}
	return n, nil
}

func clonesAndWrites(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		t.kept = t.a.Clone()
		dot, err := t.kept.Increment(t.own, clockEnd+int64(i))
		if err != nil {
			return 0, err
		}
		sum += int(dot.Count)
	}
	return sum, nil
}

func encodes(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		if t.keptBytes, err = t.a.AppendBinary(t.keptBytes[:0]); err != nil {
			return 0, err
		}
		sum += len(t.keptBytes)
	}
	return sum, nil
}

func decodes(w *clockWork, n int) (sum int, err error) {
	for i := range n {
		t := w.turn(i)
		if t.kept, err = w.decoder.Decode(t.data); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// timed makes a loop one that returns how long it took.
func (w *clockWork) timed(op *clockOp, sum *int) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		start := time.Now()
		got, err := op.loop(w, n)
		took := time.Since(start)
		*sum += got
		return took, err
	}
}
