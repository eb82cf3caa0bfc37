package topology

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/hashring"
)

// WeightsHelp is what [ParseWeights] accepts, for messages and help.
const WeightsHelp = "2 (all), 1,2,4 (in turn), a=2,b=1,*=3 (by id, * the rest) or uniform:1-10"

// Weights is a rule that gives nodes weights. The zero Weights leaves them as
// they are.
type Weights struct {
	spec  string
	cycle []int
	named map[string]int
	rest  int // 0: leave the others as they are
	low   int
	high  int // 0: not uniform
}

// ParseWeights reads a rule: one weight for all, a list that is gone through
// again and again, weights by id, or a range to draw from.
func ParseWeights(spec string) (Weights, error) {
	w := Weights{spec: spec}
	var err error
	if span, ok := strings.CutPrefix(spec, "uniform:"); ok {
		err = w.uniform(span)
	} else if strings.Contains(spec, "=") {
		err = w.byID(spec)
	} else {
		for part := range strings.SplitSeq(spec, ",") {
			var n int
			if n, err = weight(part); err != nil {
				break
			}
			w.cycle = append(w.cycle, n)
		}
	}
	if err != nil {
		return Weights{}, fmt.Errorf("weights %q: %w; use %s", spec, err, WeightsHelp)
	}
	return w, nil
}

func weight(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > hashring.MaxWeight {
		return 0, fmt.Errorf("%q: want 1 to %d: %w", s, hashring.MaxWeight, hashring.ErrWeight)
	}
	return n, nil
}

func (w *Weights) uniform(span string) error {
	low, high, ok := strings.Cut(span, "-")
	if !ok {
		return errors.New("uniform needs a range")
	}
	var err error
	if w.low, err = weight(low); err != nil {
		return err
	}
	if w.high, err = weight(high); err != nil {
		return err
	}
	if w.low > w.high {
		return fmt.Errorf("%d is above %d", w.low, w.high)
	}
	return nil
}

func (w *Weights) byID(spec string) error {
	w.named = make(map[string]int)
	for part := range strings.SplitSeq(spec, ",") {
		// An id may hold a "="; a weight cannot.
		i := strings.LastIndexByte(part, '=')
		if i < 1 {
			return fmt.Errorf("%q: want id=weight", part)
		}
		id := strings.TrimSpace(part[:i])
		n, err := weight(part[i+1:])
		if err != nil {
			return err
		}
		if _, twice := w.named[id]; twice || (id == "*" && w.rest > 0) {
			return fmt.Errorf("%q has two weights", id)
		}
		if id == "*" {
			w.rest = n
			continue
		}
		w.named[id] = n
	}
	return nil
}

// String returns the rule as it was given.
func (w Weights) String() string { return w.spec }

// Apply returns copies of the nodes with the weights of the rule. The seed
// decides the draws of a uniform rule. The error wraps [hashring.ErrUnknown] if
// the rule names a node that is not there.
func (w Weights) Apply(nodes []hashring.Node, seed uint64) ([]hashring.Node, error) {
	nodes = slices.Clone(nodes)
	pcg := rand.NewPCG(seed, 0x77656967687473) // "weights"
	left := maps.Clone(w.named)
	for i := range nodes {
		n := &nodes[i]
		named, ok := w.named[n.ID]
		delete(left, n.ID)
		switch {
		case ok:
			n.Weight = named
		case w.rest > 0:
			n.Weight = w.rest
		case w.high > 0:
			hi, _ := bits.Mul64(pcg.Uint64(), uint64(w.high-w.low+1))
			n.Weight = w.low + int(hi)
		case len(w.cycle) > 0:
			n.Weight = w.cycle[i%len(w.cycle)]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(left)) {
		return nil, fmt.Errorf("weights %q: no node %q: %w", w.spec, id, hashring.ErrUnknown)
	}
	return nodes, nil
}
