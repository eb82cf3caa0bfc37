package transporttest

import "time"

// Any stands for every host, also those made later. It leaves out the links
// of hosts to themselves: cutting a host off does not cut its loopback.
const Any = "*"

// Faults says what a link does to the segments that go from one host to
// another. A segment is one Write, or a piece of it. The zero value does
// nothing. Probabilities are from 0 to 1, and drawn for each segment.
type Faults struct {
	DelayMin, DelayMax time.Duration // a segment takes this long, and does not overtake
	Rate               int           // bytes a second of all connections together; 0: no limit
	Buffer             int           // bytes written and not yet read, of each connection; 0: 64 KiB
	MSS                int           // longest segment; 0: no limit

	Split     float64 // is sent as two, cut anywhere
	Lose      float64 // does not arrive, but those after it do
	Reorder   float64 // arrives after the next one, if that is sent within ReorderWait
	Duplicate float64 // arrives twice
	Corrupt   float64 // arrives with one bit flipped
	ShortRead float64 // of each Read at the far end: returns less than it could

	// Cut makes all vanish that is under way or sent: bytes, resets, the end
	// of a stream, requests to connect. What vanished does not come back when
	// the cut ends; a writer learns nothing until its buffer is full.
	Cut bool
	// Hold keeps back all that Cut would lose, and lets it arrive, in order,
	// when the hold ends: what a short outage is to TCP.
	Hold bool
}

const (
	// BufferDefault is the [Faults] Buffer that 0 means.
	BufferDefault = 64 << 10
	// ReorderWait is how long a segment that is to be overtaken waits for the
	// next one.
	ReorderWait = 10 * time.Millisecond
)

// buffer returns how many unread bytes a connection may have under way.
func (f *Faults) buffer() int64 {
	if f.Buffer <= 0 {
		return BufferDefault
	}
	return int64(f.Buffer)
}

// Stats counts what links did. Segments, Bytes and what follows are counted
// where the segment's fate is certain: a reordered one when another has in
// fact overtaken it.
type Stats struct {
	Segments, Bytes int // written
	Split           int // segments sent as two
	Lost            int // segments
	Reordered       int // segments that another overtook
	Duplicated      int // segments that arrived twice
	Corrupted       int // segments that arrived altered
	Vanished        int // bytes that a cut took
	ShortReads      int // reads cut short

	Dials   int // connections asked for
	Refused int // of these
	Resets  int // resets that arrived, those of [Network.Reset] included
}

func (s *Stats) add(o Stats) {
	s.Segments += o.Segments
	s.Bytes += o.Bytes
	s.Split += o.Split
	s.Lost += o.Lost
	s.Reordered += o.Reordered
	s.Duplicated += o.Duplicated
	s.Corrupted += o.Corrupted
	s.Vanished += o.Vanished
	s.ShortReads += o.ShortReads
	s.Dials += o.Dials
	s.Refused += o.Refused
	s.Resets += o.Resets
}

// Set gives the links from one host to another these faults in place of all
// they had. Either name may be [Any]. The last call that names a link decides.
func (n *Network) Set(from, to string, f Faults) {
	n.Change(from, to, func(old *Faults) { *old = f })
}

// Change alters some of the faults of the links from one host to another, and
// leaves the others. Either name may be [Any]; change is called for each link,
// and later for links that do not exist yet, so it must depend on nothing
// that changes. It must not call the network.
func (n *Network) Change(from, to string, change func(*Faults)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.change(from, to, change)
}

// Cut loses all between two hosts, both ways, until [Network.Heal]: a silent
// partition. Dials time out.
func (n *Network) Cut(a, b string) { n.both(a, b, func(f *Faults) { f.Cut = true }) }

// CutOneWay loses all that goes from one host to another, until [Network.Heal].
func (n *Network) CutOneWay(from, to string) {
	n.Change(from, to, func(f *Faults) { f.Cut = true })
}

// Hold keeps back all between two hosts, both ways, until [Network.Heal].
func (n *Network) Hold(a, b string) { n.both(a, b, func(f *Faults) { f.Hold = true }) }

// Heal ends cuts and holds between two hosts, both ways.
func (n *Network) Heal(a, b string) {
	n.both(a, b, func(f *Faults) { f.Cut, f.Hold = false, false })
}

// Reset breaks all connections between two hosts: both ends read what had
// arrived and then get ECONNRESET. What was under way is lost.
func (n *Network) Reset(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mustKnow(a, b)
	for c := range n.conns {
		if c.open && (c.out.matches(a, b) || c.out.matches(b, a)) {
			c.schedule(event{kind: evReset, due: n.now()})
		}
	}
}

// Refuse makes a host answer every dial with ECONNREFUSED, as it does where
// nobody listens, until [Network.Allow]. Open connections stay.
func (n *Network) Refuse(host string) { n.refuse(host, true) }

// Allow ends what [Network.Refuse] began.
func (n *Network) Allow(host string) { n.refuse(host, false) }

func (n *Network) refuse(host string, refuses bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mustKnow(host)
	for name, m := range n.hosts {
		if host == Any || host == name {
			m.refuses = refuses
		}
	}
}

// Kill ends a host as kill -9 ends a process: its connections are reset, its
// listeners gone, and its Host fails every call. Its peers learn it as far as
// links let the resets through. The next [Network.Host] of this name is the
// restarted process.
func (n *Network) Kill(host string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mustKnow(host)
	m := n.hosts[host]
	if m == nil || m.live == nil {
		return
	}
	h := m.live
	m.live = nil
	h.dead = true
	h.closeListeners()
	for c := range h.conns {
		c.kill()
	}
}

// Freeze stops a host as SIGSTOP stops a process, until [Network.Thaw]: it
// still takes connections into its backlog and bytes into its buffers, but no
// call to read, write, accept or dial returns, not even at its deadline. Calls
// to close return, and so do dials whose context ends; what they send goes out
// when the host thaws. Thaw or kill a host before stopping what runs on it.
func (n *Network) Freeze(host string) { n.freeze(host, true) }

// Thaw ends what [Network.Freeze] began. Each connection goes on in its own
// lane.
func (n *Network) Thaw(host string) { n.freeze(host, false) }

func (n *Network) freeze(host string, frozen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mustKnow(host)
	m := n.hosts[host]
	if m == nil || m.live == nil || m.live.frozen == frozen {
		return
	}
	m.live.frozen = frozen
	for c := range m.live.conns {
		if frozen {
			c.frozen = true
		} else {
			c.schedule(event{kind: evThaw, due: n.now()})
		}
	}
	for _, l := range m.live.listeners {
		l.arrived.Broadcast()
	}
}
