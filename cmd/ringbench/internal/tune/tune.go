// Package tune looks for the settings of a ring with which no node has more than
// a chosen multiple of its share of the user's keys.
//
// The load of a node depends on the names of the nodes, so a setting counts only
// if it reaches the target with each of several sets of names: with one set, a
// lucky setting would be chosen, and its luck would end when a node is replaced.
package tune

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
	"github.com/clusterluck/clusterluck/hashring"
)

// Names is the number of sets of node names that a setting must serve.
const Names = 5

// A Config says what to look for.
type Config struct {
	Nodes  []hashring.Node
	Peak   float64 // load of the fullest node over its share, at most
	Keys   *keys.Set
	Probes []int // numbers of probes to try
	Points int   // points per unit of weight to try, at most

	// Step, where set, is told of every ring that was tried, and of those that
	// need not be; together they are [Config.Rings].
	Step func(n int64)
}

// narrowMax is how many times halving may narrow the points down: from half of
// them to a twentieth, with one for rounding.
const narrowMax = 5

// Rings returns how many rings [Search] tries at most.
func (c Config) Rings() int64 {
	return int64(len(c.Probes)) * c.ringsOfProbes()
}

// ringsOfProbes is the same for one number of probes: the points doubled from 1
// to the most, then narrowed down.
func (c Config) ringsOfProbes() int64 {
	return int64(Names * (bits.Len(uint(c.Points-1)) + 1 + narrowMax))
}

// A Candidate is the fewest points that reach the target with some probes.
type Candidate struct {
	Setting algo.Setting `json:"setting"`
	Reached bool         `json:"reached"`
	Worst   float64      `json:"peak_worst"`  // over the sets of names
	Median  float64      `json:"peak_median"` // over the sets of names
}

// A Result is what was found.
type Result struct {
	Candidates []Candidate `json:"candidates"` // one for each number of probes
	Chance     float64     `json:"chance"`     // the peak of a placement that divides evenly, on these keys
	Hottest    float64     `json:"hottest"`    // share of the most frequent key over that of the lightest node
}

// Search looks for the fewest points with each number of probes. The peak does
// not fall with every single point, so the fewest points are those from which
// doubling began to reach the target, narrowed down by halving.
func Search(ctx context.Context, c Config) (*Result, error) {
	s := &searcher{Config: c}
	for _, n := range c.Nodes {
		s.weight += max(n.Weight, 1)
	}
	out := &Result{}
	var err error
	if out.Chance, err = s.chance(); err != nil {
		return nil, err
	}
	hottest, lightest := 0, s.weight
	for i := range c.Keys.Distinct() {
		hottest = max(hottest, c.Keys.Count(i))
	}
	for _, n := range c.Nodes {
		lightest = min(lightest, max(n.Weight, 1))
	}
	out.Hottest = float64(hottest) / float64(c.Keys.Len()) * float64(s.weight) / float64(lightest)
	for _, probes := range c.Probes {
		s.tried = 0
		cand, err := s.fewest(ctx, probes)
		if err != nil {
			return nil, err
		}
		s.step(c.ringsOfProbes() - s.tried)
		out.Candidates = append(out.Candidates, cand)
	}
	return out, nil
}

type searcher struct {
	Config
	weight int
	tried  int64 // rings, with these probes
}

func (s *searcher) step(n int64) {
	s.tried += n
	if s.Step != nil {
		s.Step(n)
	}
}

// fewest returns the fewest points with which some probes reach the target, or
// the most points tried if none do.
func (s *searcher) fewest(ctx context.Context, probes int) (Candidate, error) {
	var reached Candidate
	missed := 0
	for points := 1; ; points *= 2 {
		points = min(points, s.Points)
		cand, err := s.try(ctx, points, probes)
		if err != nil {
			return Candidate{}, err
		}
		if cand.Reached {
			reached = cand
			break
		}
		if missed = points; points == s.Points {
			return cand, nil
		}
	}
	// A tenth of the points is as close as the luck of names allows.
	for reached.Setting.Points-missed > max(1, reached.Setting.Points/10) {
		cand, err := s.try(ctx, (reached.Setting.Points+missed)/2, probes)
		if err != nil {
			return Candidate{}, err
		}
		if cand.Reached {
			reached = cand
		} else {
			missed = cand.Setting.Points
		}
	}
	return reached, nil
}

// try measures a setting with every set of names.
func (s *searcher) try(ctx context.Context, points, probes int) (Candidate, error) {
	if err := ctx.Err(); err != nil {
		return Candidate{}, err
	}
	cand := Candidate{Setting: algo.Setting{Points: points, Probes: probes}}
	peaks := make([]float64, Names)
	for set := range Names {
		r, err := hashring.New(hashring.Options{Points: points, Probes: probes}, Rename(s.Nodes, set)...)
		if err != nil {
			return Candidate{}, err
		}
		peaks[set] = s.peak(r.Snapshot())
		s.step(1)
	}
	cand.Worst, cand.Median = slices.Max(peaks), stats.Median(peaks)
	cand.Reached = cand.Worst <= s.Peak
	return cand, nil
}

// Rename returns the nodes under other names; the first set is the names they
// have.
func Rename(nodes []hashring.Node, set int) []hashring.Node {
	if set == 0 {
		return nodes
	}
	out := slices.Clone(nodes)
	for i := range out {
		out[i].ID += "." + strconv.Itoa(set)
	}
	return out
}

// peak returns the load of the fullest node over its share.
func (s *searcher) peak(ring *hashring.Snapshot) float64 {
	parts := runtime.GOMAXPROCS(0)
	loads := make([]map[string]int, parts)
	var wg sync.WaitGroup
	n := s.Keys.Distinct()
	for part := range parts {
		loads[part] = make(map[string]int)
		wg.Go(func() {
			for i := n * part / parts; i < n*(part+1)/parts; i++ {
				id, _ := ring.Owner(s.Keys.Key(i)) // the ring is not empty
				loads[part][id] += s.Keys.Count(i)
			}
		})
	}
	wg.Wait()
	worst := 0.0
	for id, weight := range ring.Weights() {
		load := 0
		for part := range loads {
			load += loads[part][id]
		}
		worst = max(worst, s.over(load, weight))
	}
	return worst
}

// over returns a load over the share of a weight.
func (s *searcher) over(load, weight int) float64 {
	return float64(load) / float64(s.Keys.Len()) * float64(s.weight) / float64(weight)
}

// chance returns the peak of weighted slots that divide the hashes evenly: what
// the keys alone bring about, which no setting can lower.
func (s *searcher) chance() (float64, error) {
	j, err := hashring.NewJump(s.weight)
	if err != nil {
		return 0, fmt.Errorf("the keys alone: %w", err)
	}
	var empty hashring.Ring
	hash := empty.Snapshot()
	slots := make([]int, s.weight)
	for i := range s.Keys.Distinct() {
		slots[j.Locate(hash.Hash(s.Keys.Key(i)))] += s.Keys.Count(i)
	}
	worst, at := 0.0, 0
	for _, n := range s.Nodes {
		weight, load := max(n.Weight, 1), 0
		for range weight {
			load += slots[at]
			at++
		}
		worst = max(worst, s.over(load, weight))
	}
	return worst, nil
}
