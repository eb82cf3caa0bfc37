package genserver

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/clusterluck/clusterluck/transport"
)

// A Mailbox bounds the messages that wait for a server. The zero value has the
// defaults.
//
// Bytes counts what is known: the encoded length of messages from other nodes
// and of local ones that are encoded, and the length of strings and byte
// slices. A message larger than Bytes is taken when nothing else waits.
//
// Bytes does not count the memory that messages of other nodes came in. They are
// not copied: one that waits keeps the whole piece of 64 KiB that its connection
// read it with, beside others. A mailbox that fills from one busy connection holds
// little more than Bytes. One that fills slowly with short messages, out of
// traffic to servers that are quicker, holds up to 64 KiB for each: Len times that
// at worst. Where that is too much, lower Len.
type Mailbox struct {
	Len    int // messages; 0: 16,384; -1: no bound
	Bytes  int // 0: 16 MiB; -1: no bound
	Policy Policy
}

// A Policy says what becomes of a message for which a mailbox has no room.
// Whatever is thrown away is counted in [Stats], told to the server's observer
// and to the kernel of the node that sent it; the caller of a call gets an
// error.
type Policy uint8

const (
	// Block lets the sender wait until there is room: until its context ends or
	// its call times out, and for a cast at most as long as for a call. Other
	// nodes' kernels keep what they send, and slow their senders down. A cast of
	// a server to itself does not wait; it fails with [transport.ErrOverload].
	Block Policy = iota
	// Reject refuses the message with [transport.ErrOverload].
	Reject
	// DropOldest throws away the message that has waited longest, with
	// [transport.ErrDropped], urgent ones last.
	DropOldest
	// DropNewest refuses the message with [transport.ErrDropped].
	DropNewest
)

const (
	mailboxLen   = 1 << 14
	mailboxBytes = 16 << 20
)

func (m Mailbox) withDefaults() Mailbox {
	for _, n := range []struct {
		field *int
		value int
	}{{&m.Len, mailboxLen}, {&m.Bytes, mailboxBytes}} {
		switch *n.field {
		case 0:
			*n.field = n.value
		case -1:
			*n.field = math.MaxInt
		}
	}
	return m
}

// lowLen and lowBytes are what may wait when blocked senders are admitted: a
// quarter is free.
func (m Mailbox) lowLen() int     { return m.Len - max(1, m.Len/4) }
func (m Mailbox) lowBytes() int64 { return int64(m.Bytes) - int64(m.Bytes)/4 }

func (m Mailbox) validate() error {
	if m.Len < -1 || m.Bytes < -1 {
		return fmt.Errorf("%w: mailbox of %d messages and %d bytes; give -1 for no bound", transport.ErrConfig, m.Len, m.Bytes)
	}
	if m.Policy > DropNewest {
		return fmt.Errorf("%w: mailbox policy %d is not known", transport.ErrConfig, m.Policy)
	}
	return nil
}

// An item is a message that waits.
type item struct {
	event string
	value any      // what the handler gets; *payload if it is encoded
	req   *request // nil for a cast that has no more than event and value
	from  *source  // nil if it comes from this node
	size  uint32   // bytes that it counts for
	kind  itemKind
}

// release forgets the encoded value, which is one of many that are allocated at
// once, when the message is done with: the memory that it came in would else stay
// until all of those are.
func (it *item) release() {
	if p, ok := it.value.(*payload); ok {
		*p = nil
	}
}

// An itemKind says what to do with an item.
type itemKind uint8

const (
	toHandler itemKind = iota
	toRun              // value is a func(): the server's own
	toTick             // value is a *ticker
)

// Lanes of a mailbox, in the order in which they are served.
const (
	laneOwn    = iota // what the server told itself; without a bound
	laneUrgent        // from senders that said so
	laneNormal
	laneCount
)

// A lane is a queue of items: what arrived, and what the server took over at
// once to run it without a lock. Both change under the lock of the endpoint.
type lane struct {
	in  []item
	out []item
	ran int // of out: the first that was not yet seen to have run
	at  int // of out: the first that waits, as long as the lane is not current
	few int // how often in a row little arrived, for the memory that out has
}

// A sender waits for room: a local one, or a connection whose messages the
// kernel keeps.
type sender struct {
	item item
	lane int
	room chan struct{} // closed when item was taken, or will never be; nil for calls, which have deadlines
	err  error         // of what was not taken
	gone bool          // does not wait any more
	link transport.LinkID
}

// interrupted is the bit of the cursor that keeps the server from its next
// item until it looked at what changed.
const interrupted = 1 << 63

// position returns the first item of the current lane, which is not nil, that
// waits. ep is locked.
func (ep *endpoint) position() int { return int(ep.inc.cursor.Load()&^interrupted - ep.inc.base) }

// waiting returns how many messages wait and how many bytes they have, counting
// neither those that run nor the server's own. ep is locked.
func (ep *endpoint) waiting() (n int, bytes int64) {
	for i := laneUrgent; i < laneCount; i++ {
		ln := &ep.lanes[i]
		n += len(ln.in) + len(ln.out)
		if ln == ep.cur {
			n -= ep.position()
		} else {
			n -= ln.at
		}
	}
	return n, ep.bytes - ep.taken.Load()
}

// room reports whether a message of so many bytes may be put. ep is locked.
func (ep *endpoint) room(size uint32) bool {
	if len(ep.senders) > 0 {
		return false // they came first
	}
	urgent, normal := &ep.lanes[laneUrgent], &ep.lanes[laneNormal]
	if most := len(urgent.in) + len(urgent.out) + len(normal.in) + len(normal.out); most < ep.box.Len {
		if size == 0 || ep.bytes-ep.taken.Load()+int64(size) <= int64(ep.box.Bytes) {
			return true
		}
	}
	return ep.fits(size)
}

// fits is room without regard to senders that wait. It looks closely.
func (ep *endpoint) fits(size uint32) bool {
	n, bytes := ep.waiting()
	return n == 0 || n < ep.box.Len && bytes+int64(size) <= int64(ep.box.Bytes)
}

// put appends an item to a lane. If the server sleeps, it returns the channel
// that wakes it when it is sent to, after ep was unlocked. ep is locked.
func (ep *endpoint) put(lane int, it item) (wake chan<- struct{}) {
	ln := &ep.lanes[lane]
	ln.in = append(ln.in, it)
	ep.filled |= 1 << lane
	if it.size > 0 {
		ep.bytes += int64(it.size)
	}
	if ep.asleep {
		if ep.paused {
			return nil
		}
		ep.asleep = false
		ep.inc.handed = ep.ready()
		return ep.inc.wake
	}
	if lane != laneNormal && ep.cur != nil && ep.cur != ln {
		ep.inc.cursor.Or(interrupted)
	}
	return nil
}

// interrupt makes the server look at what changed before it runs another
// message. It returns what put does. ep is locked.
func (ep *endpoint) interrupt() (wake chan<- struct{}) {
	if ep.inc == nil {
		return nil
	}
	ep.inc.cursor.Or(interrupted)
	if !ep.asleep {
		return nil
	}
	ep.asleep = false
	return ep.inc.wake
}

// rouse wakes a server that put or interrupt found asleep.
func rouse(wake chan<- struct{}) {
	if wake != nil {
		wake <- struct{}{}
	}
}

// runMax is how many messages a server runs before it looks at what changed and
// lets go of the memory of those that have run.
const runMax = 256

// ready hands the server the messages that it runs next, and reports whether
// there are any. ep is locked, and the server does not run messages now.
func (ep *endpoint) ready() bool {
	ln := ep.pick()
	if ep.cur = ln; ln == nil {
		return false
	}
	s := ep.inc
	n := runMax
	if len(ep.senders) > 0 {
		n = ep.untilRoom() // there may be room for them then
	}
	s.out, s.from, s.until = ln.out, ln.at, min(len(ln.out), ln.at+n)
	c := s.cursor.Load()
	if c&interrupted != 0 {
		c = s.cursor.And(^uint64(interrupted)) &^ interrupted
	}
	s.base = c - uint64(ln.at)
	return true
}

// untilRoom returns how many messages to run before senders that wait are
// thought of again. ep is locked.
func (ep *endpoint) untilRoom() int {
	n, _ := ep.waiting()
	return min(max(n-ep.box.lowLen(), 1), runMax)
}

// evict takes the message that waited longest out of the mailbox. ep is
// locked.
func (ep *endpoint) evict() (it item, ok bool) {
	for i := laneNormal; i >= laneUrgent && !ok; i-- {
		it, ok = ep.evictFrom(&ep.lanes[i])
	}
	if it.size > 0 {
		ep.taken.Add(int64(it.size))
	}
	return it, ok
}

func (ep *endpoint) evictFrom(ln *lane) (it item, ok bool) {
	if ln == ep.cur {
		for { // the server takes its next item by moving the cursor; so does this
			c, at := ep.inc.cursor.Load(), ep.position()
			if at >= len(ln.out) {
				break
			}
			if ep.inc.cursor.CompareAndSwap(c, c+1) {
				it, ln.out[at] = ln.out[at], item{}
				return it, true
			}
		}
	} else if ln.at < len(ln.out) {
		it, ln.out[ln.at] = ln.out[ln.at], item{}
		ln.at++
		return it, true
	}
	if len(ln.in) == 0 {
		return item{}, false
	}
	it, ln.in[0] = ln.in[0], item{}
	ln.in = ln.in[1:]
	return it, true
}

// A lane that has memory for more than outMax items gives it back when it used
// little of it outFew times in a row.
const (
	outMax = 1 << 10
	outFew = 1 << 12
)

// pick returns the lane that the server serves next, nil if all are empty. It
// takes over what arrived in it. ep is locked.
func (ep *endpoint) pick() *lane {
	for ep.filled != 0 {
		i := bits.TrailingZeros8(ep.filled)
		ln := &ep.lanes[i]
		if ln.at < len(ln.out) {
			return ln
		}
		if len(ln.in) == 0 {
			ep.filled &^= 1 << i
			continue
		}
		spare := ln.out[:0]
		if ln.few++; cap(spare) <= outMax || len(ln.in) > cap(spare)/8 {
			ln.few = 0
		} else if ln.few > outFew {
			spare = nil
		}
		ln.in, ln.out, ln.at, ln.ran = spare, ln.in, 0, 0
		return ln
	}
	return nil
}

// drain empties the lanes. ep is locked, and no incarnation runs.
func (ep *endpoint) drain() (items []item) {
	for i := range ep.lanes {
		ln := &ep.lanes[i]
		items = append(items, ln.out[ln.at:]...)
		items = append(items, ln.in...)
		*ln = lane{}
	}
	ep.filled = 0
	ep.bytes = 0
	ep.taken.Store(0)
	return items
}
