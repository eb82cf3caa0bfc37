package measure

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/algo"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/stats"
	"github.com/clusterluck/clusterluck/hashring"
)

// count takes the numbers that are the same in every run.
func (c *Config) count(ctx context.Context, subjects []*subject, out *Measured) error {
	pace := c.pace()
	pace.begin("count", len(subjects))
	sample := sampleKeys(c.Keys)
	for _, s := range subjects {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := s.algo.New(s.nodes, s.setting)
		if err != nil {
			return err
		}
		if c.wants(Balance) {
			out.Rows = append(out.Rows, s.balance(p, c.Keys)...)
		}
		if c.wants(Moved) && s.algo.Moves {
			rows, err := s.moved(ctx, p, sample)
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, rows...)
		}
		if c.wants(Memory) {
			r := s.exact("bytes", float64(p.Bytes()))
			r.Detail = map[string]float64{"per_node": r.Value / float64(len(s.nodes))}
			out.Rows = append(out.Rows, r)
		}
		if c.wants(Lookup) {
			out.Rows = append(out.Rows, s.exact("lookup-allocs", allocations(sample.keys, func(keys []string) { p.Lookup(keys) })))
		}
		if c.wants(Replicas) && s.algo.Replicas {
			out.Rows = append(out.Rows, s.replicas(p, sample, c.Replicas, c.Zones, c.top())...)
		}
		pace.step()
	}
	return nil
}

// sampleMax bounds the distinct keys that moves and replicas are counted on.
// 200,000 put the standard error of a share of 1 % at 2 % of it.
const sampleMax = 200_000

// A sample is some of the distinct keys, evenly taken, and how often each comes.
type sample struct {
	keys   []string
	counts []int
	total  int
}

func sampleKeys(set *keys.Set) *sample {
	n := min(set.Distinct(), sampleMax)
	s := &sample{keys: make([]string, n), counts: make([]int, n)}
	for i := range n {
		at := i * set.Distinct() / n
		s.keys[i], s.counts[i] = set.Key(at), set.Count(at)
		s.total += s.counts[i]
	}
	return s
}

// owners returns the owner of every key, asking from all processors at once.
func (s *sample) owners(p algo.Placement) []string {
	out := make([]string, len(s.keys))
	parallel(len(out), func(from, to int) {
		for i := from; i < to; i++ {
			out[i] = p.Owner(s.keys[i])
		}
	})
	return out
}

// parallel splits n things over the processors.
func parallel(n int, do func(from, to int)) {
	var wg sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		wg.Go(func() { do(n*part/parts, n*(part+1)/parts) })
	}
	wg.Wait()
}

// A load is what the nodes of a placement have to bear.
type load struct {
	nodes    []hashring.Node
	keys     []float64 // by node, popularity counted
	distinct []float64
	fair     []float64 // share of each node by weight; sums to 1
}

// loadOf places every key.
func loadOf(p algo.Placement, set *keys.Set, moves bool) *load {
	l := &load{nodes: p.Nodes()}
	index := make(map[string]int, len(l.nodes))
	total := 0.0
	for i, n := range l.nodes {
		index[n.ID] = i
		total += float64(weightOf(n))
	}
	for _, n := range l.nodes {
		l.fair = append(l.fair, float64(weightOf(n))/total)
	}
	l.keys, l.distinct = make([]float64, len(l.nodes)), make([]float64, len(l.nodes))
	if !moves {
		// Where a key goes depends on those before it.
		for key := range set.All() {
			l.keys[index[p.Owner(key)]]++
		}
		return l
	}
	owner := make([]int32, set.Distinct())
	parallel(len(owner), func(from, to int) {
		for i := from; i < to; i++ {
			owner[i] = int32(index[p.Owner(set.Key(i))])
		}
	})
	for i, at := range owner {
		l.keys[at] += float64(set.Count(i))
		l.distinct[at]++
	}
	return l
}

// over returns the loads as multiples of the fair share of each node.
func over(loads, fair []float64) []float64 {
	total := 0.0
	for _, l := range loads {
		total += l
	}
	out := make([]float64, len(loads))
	for i := range loads {
		out[i] = loads[i] / (fair[i] * total)
	}
	return out
}

func (s *subject) balance(p algo.Placement, set *keys.Set) []result.Row {
	l := loadOf(p, set, s.algo.Moves)
	shares := over(l.keys, l.fair)
	// No placement can split a key: the hottest one bounds the peak from below.
	hottest := 0
	for i := range set.Distinct() {
		hottest = max(hottest, set.Count(i))
	}
	peak := s.exact("peak", slices.Max(shares))
	peak.Detail = map[string]float64{
		"hottest_key": float64(hottest) / float64(set.Len()),
		"least":       slices.Min(shares),
		"effective":   set.Effective(),
	}
	rows := []result.Row{peak, s.exact("cv", stats.Deviation(shares))}
	if s.algo.Moves && len(l.nodes) > 1 {
		expected := make([]float64, len(l.fair))
		for i, f := range l.fair {
			expected[i] = f * float64(set.Distinct())
		}
		sum, freedom, pValue := stats.ChiSquared(l.distinct, expected)
		r := s.exact("chi2", sum/float64(max(freedom, 1)))
		r.Detail = map[string]float64{"p": pValue, "freedom": float64(freedom), "sum": sum}
		rows = append(rows, r)
	}
	if a, ok := p.(algo.Arcer); ok && s.algo.Arcs {
		arcs := s.arcs(a, l)
		rows = append(rows, s.exact("arc-peak", slices.Max(arcs)), s.exact("arc-cv", stats.Deviation(arcs)))
	}
	if s.weights != "" {
		worst := 0.0
		for _, share := range shares {
			worst = max(worst, math.Abs(share-1))
		}
		rows = append(rows, s.exact("weight-error", worst))
	}
	return rows
}

// arcs returns the exact share of each node over its fair share.
func (s *subject) arcs(a algo.Arcer, l *load) []float64 {
	exact := make(map[string]float64, len(l.nodes))
	for _, share := range a.Ownership() {
		exact[share.ID] = share.Fraction
	}
	out := make([]float64, len(l.nodes))
	for i, n := range l.nodes {
		out[i] = exact[n.ID] / l.fair[i]
	}
	return out
}

// allocations returns the whole allocations of one lookup on average.
func allocations(keys []string, lookup func(keys []string)) float64 {
	keys = keys[:min(len(keys), 2000)]
	return allocationsOf(len(keys), func() { lookup(keys) })
}

// allocationsOf returns the whole allocations of one of the n operations of do on
// average, so that what other goroutines allocate meanwhile does not show. What
// is allocated the first time alone is not counted.
func allocationsOf(n int, do func()) float64 {
	do()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return math.Floor(float64(after.Mallocs-before.Mallocs) / float64(n))
}

// replicas counts the faults of preference lists.
func (s *subject) replicas(p algo.Placement, sample *sample, n, zones int, top string) []result.Row {
	r, ok := p.(algo.Replicator)
	if !ok {
		return nil
	}
	z, zoned := p.(algo.Zoner)
	zoned = zoned && s.algo.Zones && zones > 1
	zoneOf := make(map[string]string, len(s.nodes))
	for _, node := range s.nodes {
		zoneOf[node.ID] = node.Zone
	}
	var double, short, sameZone, faults int
	var owners []string
	for _, key := range sample.keys {
		owners = r.AppendOwners(owners[:0], key, n)
		d, f := distinct(owners) < len(owners), len(owners) < min(n, len(s.nodes))
		same := false
		if zoned {
			owners = z.AppendZoneOwners(owners[:0], key, n)
			d = d || distinct(owners) < len(owners)
			f = f || len(owners) < min(n, len(s.nodes))
			for i := range owners {
				owners[i] = zoneOf[owners[i]]
			}
			same = distinct(owners) < min(n, zones, len(s.nodes))
		}
		double, short, sameZone = double+btoi(d), short+btoi(f), sameZone+btoi(same)
		faults += btoi(d || f || same)
	}
	row := s.exact("replica-faults", float64(faults))
	row.Detail = map[string]float64{
		"twice": float64(double), "short": float64(short), "same_zone": float64(sameZone),
		"keys": float64(len(sample.keys)),
	}
	// The list of a timed loop is made once for all its keys: one allocation
	// for thousands of them is none.
	return []result.Row{row, s.exact(top+"-allocs", allocations(sample.keys, func(keys []string) { r.Top(keys, n) }))}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// distinct counts the different strings of a short list.
func distinct(list []string) int {
	n := 0
	for i := range list {
		if !slices.Contains(list[:i], list[i]) {
			n++
		}
	}
	return n
}
