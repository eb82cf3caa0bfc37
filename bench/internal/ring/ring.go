// Package ring compares package hashring with its rivals.
package ring

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/keys"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/peer"
	"github.com/clusterluck/clusterluck/bench/internal/report"
)

const (
	points = 160
	seed   = 1
	// costMax drops a contender from a lookup that takes it longer.
	costMax = 20 * time.Microsecond
)

// Group returns the ring's comparisons.
func Group() report.Group { return report.Group{Name: "ring", Works: works} }

// works is the table of what is measured, by size, so that each set of rings is
// built once and dropped before the next.
func works(env report.Env) []report.Work {
	b := &bench{env: env}
	ws := []report.Work{
		b.owner(10, 4), b.anatomy(10), b.top(10, 6),
		b.owner(100, 7), b.top(100, 6), b.parallel(6), b.writer(), b.bounded(),
		b.owner(1000, 12), b.anatomy(1000), b.stale(), b.top(1000, 10), b.allocations(),
		b.memory(), b.decode(), b.balance(),
		b.build(10), b.nodewise(2000), b.update("add", 80), b.update("remove", 30),
	}
	if !env.Quick {
		ws = append(ws, b.owner(10_000, 6), b.anatomy(10_000), b.top(10_000, 3))
	}
	return ws
}

// bench is what the works share.
type bench struct {
	env   report.Env
	mixed []string
	fleet *fleet
}

func (b *bench) keys() []string {
	if b.mixed == nil {
		b.env.Logf("making 2^20 keys with seed %d", seed)
		b.mixed = keys.Mixed(1<<20, seed)
	}
	return b.mixed
}

// lookups returns the plan for what takes nanoseconds.
func (b *bench) lookups() measure.Plan {
	p := measure.Plan{Rounds: 3 * b.env.Count, Sample: 25 * time.Millisecond, CostMax: costMax}
	if b.env.Quick {
		p.Rounds, p.Sample = b.env.Count, 4*time.Millisecond
	}
	return p
}

// A fleet is every contender built over the same nodes.
type fleet struct {
	nodes   []string
	members []*member
}

// A member is a contender of a fleet. Its placement is nil if it was not built.
type member struct {
	peer.Peer
	pl    peer.Placement
	took  time.Duration // of CPU time, the collector's included, to build
	bytes int           // of heap that the built placement holds
	err   error
	why   string // why it was not built, for tables
}

// of returns the fleet of n nodes, building it if another size was current.
func (b *bench) of(n int) (*fleet, error) {
	if b.fleet != nil && len(b.fleet.nodes) == n {
		return b.fleet, nil
	}
	b.fleet = nil
	f := &fleet{nodes: keys.Nodes(n)}
	for _, p := range peer.All() {
		m := &member{Peer: p}
		f.members = append(f.members, m)
		if p.NodesMax > 0 && n > p.NodesMax {
			m.why = fmt.Sprintf("not built beyond %d nodes", p.NodesMax)
			continue
		}
		b.env.Logf("building %s of %d nodes", p.Name, n)
		m.build(f.nodes, b.buildLimit(n))
		if m.err != nil && p.Kind == peer.Ours {
			return nil, fmt.Errorf("ring of %d nodes: %w", n, m.err)
		}
	}
	b.fleet = f
	return f, nil
}

// buildLimit is the CPU time a peer without a bulk call gets.
func (b *bench) buildLimit(n int) time.Duration {
	switch {
	case b.env.Quick:
		return time.Second
	case n > 1000:
		return 2 * time.Second
	}
	return 30 * time.Second
}

func (m *member) build(nodes []string, limit time.Duration) {
	before := measure.Heap()
	m.took = measure.Process.Time(func() { m.pl, m.err = m.New(nodes, points, peer.Within(limit)) })
	if m.err != nil {
		m.pl, m.why = nil, m.err.Error()
		return
	}
	m.bytes = measure.Heap() - before
}

// nodewise returns how long the member takes to add all nodes one by one; if it
// was stopped, a time that it would certainly have exceeded: an added node never
// costs less than the mean of those before it, since it sorts more points.
func (m *member) nodewise() (took time.Duration, stopped bool) {
	var slow *peer.SlowError
	if errors.As(m.err, &slow) {
		return m.took * time.Duration(slow.All) / time.Duration(max(slow.Done, 1)), true
	}
	return m.took, false
}

// ours returns this project's ring.
func (f *fleet) ours() *peer.Hashring {
	for _, m := range f.members {
		if h, ok := m.pl.(*peer.Hashring); ok {
			return h
		}
	}
	return nil
}

// contenders returns what run makes of each member; run returns nil for one that
// cannot do the work.
func (f *fleet) contenders(run func(*member) func([]string) int) (cs []measure.Contender, of []*member) {
	for _, m := range f.members {
		if m.pl == nil {
			continue
		}
		if r := run(m); r != nil {
			cs, of = append(cs, measure.Contender{Name: m.Name, Run: r}), append(of, m)
		}
	}
	return cs, of
}

// outcome sorts series by what they are to a goal.
type outcome struct {
	ours   measure.Series
	rivals []measure.Series
}

// judge adds all series to the row and returns ours and the rivals that count.
func judge(row *report.Row, of []*member, all []measure.Series) (o outcome) {
	for i, m := range of {
		note := m.Note
		if len(all[i].Samples) == 0 {
			note = fmt.Sprintf("dropped: over %v an operation", costMax)
		}
		row.Add(m.Kind.String(), note, all[i])
		switch m.Kind {
		case peer.Ours:
			o.ours = all[i]
		case peer.Ring:
			o.rivals = append(o.rivals, all[i])
		}
	}
	return o
}

// absent adds the members that were not built to the row, and names those that
// would have counted in its note: without them the verdict is kinder.
func (f *fleet) absent(row *report.Row) {
	var missing []string
	for _, m := range f.members {
		if m.pl != nil {
			continue
		}
		row.Add(m.Kind.String(), m.why, measure.Series{Name: m.Name})
		if m.Kind == peer.Ring {
			missing = append(missing, m.Name)
		}
	}
	row.Without(missing)
}

// size prints a number of nodes.
func size(n int) string {
	if n >= 10_000 {
		return strconv.Itoa(n/1000) + "," + fmt.Sprintf("%03d", n%1000)
	}
	return strconv.Itoa(n)
}
