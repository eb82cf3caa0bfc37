package transporttest

import (
	"math/rand/v2"
	"time"
)

// A pair names a link: all that goes from one host to another.
type pair struct{ from, to string }

// matches reports whether the link lies between these hosts, in this
// direction. Either may be Any, which leaves out the links of hosts to
// themselves.
func (p pair) matches(from, to string) bool {
	if from != Any && to != Any {
		return p == pair{from, to}
	}
	return p.from != p.to && (from == Any || from == p.from) && (to == Any || to == p.to)
}

// A rule changes the faults of links, also of those made after it.
type rule struct {
	pair
	change func(*Faults)
}

// A link carries the segments of all connections from one host to another.
type link struct {
	pair
	faults Faults
	stats  Stats
	busy   int64  // with the bytes before, because of Rate
	dials  uint64 // connections asked for in this direction
}

// link returns the link, made by the rules so far if it is new.
func (n *Network) link(from, to string) *link {
	p := pair{from, to}
	l := n.links[p]
	if l == nil {
		l = &link{pair: p}
		for _, r := range n.rules {
			if p.matches(r.from, r.to) {
				r.change(&l.faults)
			}
		}
		n.links[p] = l
	}
	return l
}

// both changes the links between two hosts in both directions.
func (n *Network) both(a, b string, change func(*Faults)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change(a, b, change)
	if a != b {
		n.change(b, a, change)
	}
}

// change alters the faults of links and lets their connections know.
func (n *Network) change(from, to string, change func(*Faults)) {
	n.mustKnow(from, to)
	if from == Any || to == Any {
		n.rules = append(n.rules, rule{pair{from, to}, change})
	} else {
		n.link(from, to)
	}
	for p, l := range n.links {
		if !p.matches(from, to) {
			continue
		}
		before := l.faults
		change(&l.faults)
		for c := range n.conns {
			if c.in == l {
				c.relink(before)
			}
			if c.out == l {
				c.relinkAcks(before)
			}
		}
	}
}

// arrival returns when size bytes that are sent now arrive, as drawn from r.
func (l *link) arrival(now int64, size int, r *rand.Rand) int64 {
	f := &l.faults
	at := now
	if f.Rate > 0 {
		at = max(at, l.busy) + int64(size)*int64(time.Second)/int64(f.Rate)
		l.busy = at
	}
	return at + int64(f.DelayMin) + draw(r, int64(f.DelayMax-f.DelayMin))
}

// lose counts what a cut or a reset took.
func (l *link) lose(events []*event) (bytes int64) {
	for _, e := range events {
		l.stats.Vanished += len(e.data)
		bytes += e.credit
	}
	return bytes
}

// draw returns a number from 0 to limit, and takes one draw whatever limit is.
func draw(r *rand.Rand, limit int64) int64 {
	v := r.Uint64()
	if limit <= 0 {
		return 0
	}
	return int64(v % uint64(limit+1))
}

// chance reports whether a thing of probability p happens. It takes one draw
// whatever p is, so that a new fault does not change what the others do.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }
