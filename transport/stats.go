package transport

import (
	"maps"
	"sync"
)

// Stats are counts since the kernel started.
type Stats struct {
	Peers, Links  int
	LinksUp       uint64
	LinksDown     map[string]uint64 // by reason
	DialsFailed   map[string]uint64 // by reason
	Dropped       map[string]uint64 // casts, by reason
	Lost          map[string]uint64 // casts of others, by reason
	Unconfirmed   uint64            // casts
	Refused       map[string]uint64 // peers, by reason
	GaveUp        uint64
	QueuedCasts   int
	QueuedBytes   int
	CallsInFlight int

	Accepted      uint64 // connections that were made to this node
	Authenticated uint64 // of these, those whose peer is who may be
	Throttled     uint64 // closed unread: too many failures from their address
	Evicted       uint64 // closed unread: more were waiting than may
	Expired       uint64 // closed unread: waited for too long
	AcceptErrors  uint64 // of the listener, such as a lack of file descriptors
}

// reasonsMax is how many reasons are counted apart; peers can make some up.
const reasonsMax = 64

// counters count events.
type counters struct {
	mu    sync.Mutex
	stats Stats
}

func (c *counters) note(e *Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := func(m *map[string]uint64, n uint64) {
		if *m == nil {
			*m = make(map[string]uint64)
		}
		reason := e.Reason
		if _, ok := (*m)[reason]; !ok && len(*m) >= reasonsMax {
			reason = others
		}
		(*m)[reason] += n
	}
	switch e.Kind {
	case LinkUp:
		c.stats.LinksUp++
	case LinkDown:
		count(&c.stats.LinksDown, 1)
	case DialFailed:
		count(&c.stats.DialsFailed, 1)
	case GaveUp:
		c.stats.GaveUp++
	case Dropped:
		count(&c.stats.Dropped, e.Count)
	case Lost:
		count(&c.stats.Lost, e.Count)
	case Unconfirmed:
		c.stats.Unconfirmed += e.Count
	case Refused:
		count(&c.stats.Refused, 1)
	}
}

// Stats returns the counts so far.
func (k *Kernel) Stats() Stats {
	k.counters.mu.Lock()
	s := k.counters.stats
	for _, m := range []*map[string]uint64{&s.LinksDown, &s.DialsFailed, &s.Dropped, &s.Lost, &s.Refused} {
		*m = maps.Clone(*m)
	}
	k.counters.mu.Unlock()
	if k.gate != nil {
		g := k.gate.Stats()
		s.Accepted, s.Authenticated, s.AcceptErrors = g.Accepted, g.Authenticated, g.AcceptErrors
		s.Throttled, s.Evicted, s.Expired = g.Throttled, g.Evicted, g.Expired
	}
	for _, p := range k.Peers() {
		s.Peers++
		if p.Connected {
			s.Links++
		}
		s.QueuedCasts += p.Queued
		s.QueuedBytes += p.QueuedLen
		s.CallsInFlight += p.Calls
	}
	return s
}
