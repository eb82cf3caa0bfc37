package transport

import (
	"context"
	"sync"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// Lanes of an outbox, in the order in which a write takes them. Frames of one
// lane leave in the order in which they came.
const (
	laneControl = iota // what keeps the connection going; never waits for room
	laneUrgent
	laneNormal
	laneBulk // chunks of long bodies and streams
	laneCount
)

// Bounds of an outbox, in bytes.
const (
	laneMax    = 256 << 10 // of requests that wait to be written, before senders wait
	bulkMax    = 47 << 10  // of chunks that wait to be written, before streams wait; with one more they fit into a record
	answersMax = 64 << 20  // of answers that a peer leaves unread, before it is cut off
	controlMax = 16 << 20  // the same, of what is said beside requests and answers
)

// A batch is what one write takes: frames by lane, and room to seal them.
type batch struct {
	lanes    [laneCount][]byte
	requests [laneCount][]sentRequest // in lanes
	ends     int                      // of streams, in the lane of chunks: a stream that is opened next comes before them
	sealed   []byte
}

// batches are shared by all links, so that an idle link holds none.
var batches = sync.Pool{New: func() any { return new(batch) }}

// batchKept is the capacity that a buffer keeps when its batch is written.
const batchKept = 2 * (laneMax + wire.FrameMax)

func (b *batch) reset() {
	for i := range b.lanes {
		b.lanes[i] = emptied(b.lanes[i])
		clear(b.requests[i])
		b.requests[i] = b.requests[i][:0]
	}
	b.sealed, b.ends = emptied(b.sealed), 0
}

// recycle lets other links use b. It is emptied first: what a link that failed
// did not write must not leave on another.
func (b *batch) recycle() {
	if b != nil {
		b.reset()
		batches.Put(b)
	}
}

// emptied returns b without its content, or nothing if it grew too large to be
// kept.
func emptied(b []byte) []byte {
	if cap(b) > batchKept {
		return nil
	}
	return b[:0]
}

// An outbox collects the frames of a link until they are written. Whoever finds
// it idle becomes its writer; the others append and go on.
//
// One write takes everything that is there and seals it into as few records as
// it can: sealing once a write, not once a frame, makes encryption cheap.
type outbox struct {
	mu      sync.Mutex
	err     error         // the link is gone
	closing bool          // the link drains: no new requests
	writing bool          // somebody writes, or was woken to
	held    bool          // answers wait for the reader, which writes them soon
	fill    *batch        // what is to be written; nil if nothing is
	rest    []byte        // sealed bytes that a writer could not write without blocking
	wake    chan struct{} // tells the writer's goroutine that there is work
	room    chan struct{} // closed when waiting senders should look again; nil if none waits
	empty   chan struct{} // closed when all is written; nil if nobody waits for that

	names   map[string]uint32
	window  int64 // bytes of requests that the peer has room for
	unacked unacked
}

func newOutbox(window int64) outbox {
	return outbox{wake: make(chan struct{}, 1), window: window}
}

// lockForRequest waits until there is room for a request in a lane, and returns
// with o locked. It gives up when ctx ends, and at a time unless that is zero.
// After an error o is not locked.
func (o *outbox) lockForRequest(ctx context.Context, until time.Time, lane int) error {
	for {
		o.mu.Lock()
		switch {
		case o.err != nil:
			o.mu.Unlock()
			return o.err
		case o.closing:
			o.mu.Unlock()
			return errClosing
		case o.window > 0 && !o.unacked.isFull() && len(o.filling().lanes[lane]) < laneMax:
			return nil
		}
		if err := o.waitRoom(ctx, until); err != nil {
			return err
		}
	}
}

// waitRoom waits until senders should look again. It is called with o locked,
// and returns with o unlocked.
func (o *outbox) waitRoom(ctx context.Context, until time.Time) error {
	if o.room == nil {
		o.room = make(chan struct{})
	}
	room := o.room
	o.mu.Unlock()
	var late <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-room:
		return nil
	case <-late:
		return ErrTimeout
	case <-ctx.Done():
		return ctxError(ctx)
	}
}

// signalRoom lets waiting senders look again. o is locked.
func (o *outbox) signalRoom() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// name returns how a name is written on this link. The first use of a name
// announces its index in the control lane, which is written first. o is locked.
func (o *outbox) name(name string) wire.Name {
	if i, ok := o.names[name]; ok {
		return wire.Name{Index: i}
	}
	if len(o.names) >= wire.NamesMax {
		return wire.Name{Text: []byte(name)}
	}
	if o.names == nil {
		o.names = make(map[string]uint32)
	}
	i := uint32(len(o.names))
	o.names[name] = i
	control := &o.filling().lanes[laneControl]
	*control = wire.AppendBind(*control, i, name)
	return wire.Name{Index: i}
}

// request counts a request of n bytes that was appended to a lane. o is locked.
func (o *outbox) request(lane, n int, name string, cast bool) {
	o.window -= int64(n)
	requests := &o.filling().requests[lane]
	*requests = append(*requests, sentRequest{name, cast})
}

// casts returns how many casts to each server were not acknowledged. o is
// locked.
func (o *outbox) casts() map[string]int {
	if o.fill != nil {
		o.unacked.pushAll(o.fill)
		o.fill = nil
	}
	return o.unacked.casts()
}

// start makes the caller the writer, if there is none. o is locked.
func (o *outbox) start() bool {
	if o.writing {
		return false
	}
	o.writing = true
	return true
}

// wakeWriter hands the writing to the writer's goroutine.
func (o *outbox) wakeWriter() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// filling returns the batch that frames are appended to. o is locked.
func (o *outbox) filling() *batch {
	if o.fill == nil {
		o.fill = batches.Get().(*batch)
	}
	return o.fill
}

// take returns what is to be written next, and takes back what was written
// before, nil at first. It returns nil, and ends the writing, if there is
// nothing.
func (o *outbox) take(done *batch) *batch {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.fill
	if o.err != nil || next == nil || next.isEmpty() {
		done.recycle()
		if o.err == nil { // else what was not written is to be reported
			next.recycle()
			o.fill = nil
		}
		o.writing = o.err != nil // nobody writes to a link that failed
		o.signalEmpty()
		return nil
	}
	o.unacked.pushAll(next)
	if o.fill = done; done != nil {
		done.reset()
	}
	o.signalRoom()
	return next
}

func (b *batch) isEmpty() bool {
	for i := range b.lanes {
		if len(b.lanes[i]) > 0 {
			return false
		}
	}
	return true
}

// signalEmpty tells those who wait for it that all is written. o is locked.
func (o *outbox) signalEmpty() {
	if o.empty != nil {
		close(o.empty)
		o.empty = nil
	}
}

// fail ends o: senders get err.
func (o *outbox) fail(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return false
	}
	o.err = err
	o.signalRoom()
	o.signalEmpty()
	return true
}

// drained returns a channel that is closed when everything was written, or the
// link failed.
func (o *outbox) drained() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.empty == nil {
		o.empty = make(chan struct{})
	}
	empty := o.empty
	if o.err != nil || !o.writing {
		o.signalEmpty()
	}
	return empty
}
