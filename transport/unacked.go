package transport

// An unacked list remembers which requests were sent and not yet known to have
// arrived, in order, so that a break can say what it may have lost.
type unacked struct {
	sent  uint64 // requests sent so far
	acked uint64 // of which this many arrived
	ring  []sentRequest
	head  int // of ring: the oldest
}

type sentRequest struct {
	server string
	cast   bool
}

// unackedMax is how many requests may be under way, before senders wait. A peer
// tells at least every 64 what it has.
const unackedMax = 1 << 18

// isFull reports whether senders must wait until the peer tells what it has.
func (u *unacked) isFull() bool { return u.sent-u.acked >= unackedMax }

// pushAll adds the requests of a batch, in the order in which its lanes are
// written.
func (u *unacked) pushAll(b *batch) {
	for lane := range b.requests {
		for _, r := range b.requests[lane] {
			u.push(r.server, r.cast)
		}
	}
}

// push adds a request.
func (u *unacked) push(server string, cast bool) {
	if n := int(u.sent - u.acked); n == len(u.ring) {
		u.grow()
	}
	u.ring[(u.head+int(u.sent-u.acked))%len(u.ring)] = sentRequest{server, cast}
	u.sent++
}

func (u *unacked) grow() {
	n := len(u.ring)
	next := make([]sentRequest, max(16, 2*n))
	for i := range n {
		next[i] = u.ring[(u.head+i)%n]
	}
	u.ring, u.head = next, 0
}

// ack notes that the first n requests arrived. It reports false if not so many
// were sent.
func (u *unacked) ack(n uint64) bool {
	if n > u.sent {
		return false
	}
	for u.acked < n {
		u.ring[u.head] = sentRequest{}
		u.head = (u.head + 1) % len(u.ring)
		u.acked++
	}
	if u.acked == u.sent {
		u.head = 0
		if len(u.ring) > 1024 {
			u.ring = nil
		}
	}
	return true
}

// casts returns how many casts to each server may have been lost.
func (u *unacked) casts() map[string]int {
	lost := make(map[string]int)
	for i := range int(u.sent - u.acked) {
		if r := u.ring[(u.head+i)%len(u.ring)]; r.cast {
			lost[r.server]++
		}
	}
	return lost
}
