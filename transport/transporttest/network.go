package transporttest

import (
	"math"
	"sync"
	"time"
)

// A Network connects hosts. Make one with [New].
type Network struct {
	seed  uint64
	epoch time.Time // times below are nanoseconds since
	lanes bool      // the clock is a bubble's

	// mu guards all that follows, and all state of hosts, links, listeners
	// and connections. It is held for short steps only; waiting releases it.
	mu     sync.Mutex
	closed bool
	names  []string // of all hosts ever made, by index
	hosts  map[string]*machine
	links  map[pair]*link
	rules  []rule // changes for links that are not made yet
	conns  map[*conn]struct{}
	trace  uint64
}

// A machine is what stays when a host is killed.
type machine struct {
	index   int
	refuses bool
	live    *Host // nil once killed
}

// never is the time of what does not happen.
const never = math.MaxInt64

// bubbleYears: a bubble's clock starts with the year 2000. A real clock that
// stands before 2015 gets lanes, which only cost.
const bubbleYears = 2015

// New returns a network without hosts and without faults. Networks with the
// same seed do the same to the same writes.
func New(seed uint64) *Network {
	now := time.Now()
	return &Network{
		seed: seed, epoch: now, lanes: now.Year() < bubbleYears,
		hosts: map[string]*machine{}, links: map[pair]*link{}, conns: map[*conn]struct{}{},
	}
}

// Host returns the host of that name, and makes it if there is none. After
// [Network.Kill] it makes a new one, as a restarted process is new.
func (n *Network) Host(name string) *Host {
	if name == "" || name == Any {
		panic("transporttest: a host needs a name")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.hosts[name]
	if m == nil {
		m = &machine{index: len(n.names)}
		n.hosts[name] = m
		n.names = append(n.names, name)
	}
	if m.live == nil {
		m.live = newHost(n, name, m)
	}
	return m.live
}

// Close ends the network: every connection, listener and dial fails with an
// error that is net.ErrClosed, and no timer is left. It always returns nil.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	for c := range n.conns {
		c.vanish()
	}
	for _, m := range n.hosts {
		if m.live != nil {
			m.live.closeListeners()
		}
	}
	return nil
}

// Stats adds up what the links from one host to another did. Either may be
// [Any].
func (n *Network) Stats(from, to string) Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mustKnow(from, to)
	var sum Stats
	for p, l := range n.links {
		if p.matches(from, to) {
			sum.add(l.stats)
		}
	}
	return sum
}

// Trace returns a hash of everything that arrived anywhere so far: when, where
// and which bytes. Two runs that differ in it differ in what the network did.
func (n *Network) Trace() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trace
}

// now returns the time since the network was made.
func (n *Network) now() int64 { return int64(time.Since(n.epoch)) }

// mustKnow panics if a test names a host that was never made: a fault between
// hosts that do not exist would silently do nothing.
func (n *Network) mustKnow(names ...string) {
	for _, name := range names {
		if _, ok := n.hosts[name]; !ok && name != Any {
			panic("transporttest: no host " + name)
		}
	}
}

// A turn is how many nanoseconds lie between two instants of a lane, and for
// how many hosts that leaves every pair four lanes of their own. All divide a
// millisecond. Lane 0 stays free for those who set timers when the network is
// made.
type turn struct {
	period int64
	hosts  int64
}

func turnFor(hosts int) turn {
	for _, t := range [...]turn{{1_000, 15}, {4_000, 31}, {20_000, 70}, {50_000, 111}} {
		if int64(hosts) <= t.hosts {
			return t
		}
	}
	return turn{100_000, 158}
}

// lane returns the lane of one end of the ord-th connection that the host of
// index from dials to that of index to.
func (t turn) lane(from, to int, ord uint64, side int) int64 {
	cell := int64(from)%t.hosts*t.hosts + int64(to)%t.hosts
	return 1 + cell*4 + int64(ord%2)*2 + int64(side)
}
