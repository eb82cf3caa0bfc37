package transport

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

const (
	// slabSize is the memory that input is read into. What arrived stays in it, so
	// that a body is not copied; only the free end is used again.
	slabSize = 64 << 10

	// ownMin is the length from which on a frame that does not come in one piece
	// has memory of its own. It keeps no slab, and no slab keeps it.
	ownMin = 16 << 10
)

// slabs are shared by all links, so that an idle link holds none.
var slabs = sync.Pool{New: func() any { return new([]byte) }}

// An input is what the reader of a link has read and not yet handled.
type input struct {
	slab *[]byte // the free end of a slab; nil: none
	part []byte  // the beginning of a frame: it ends where slab begins, or is alone
	own  bool    // it is alone, in memory of the length of its frame
}

// readAll reads frames until the link ends, and returns why it did.
func (l *link) readAll() error {
	var in input
	for {
		if in.slab != nil && (len(in.part) == 0 || in.own) && l.sess.Buffered() == 0 {
			slabs.Put(in.slab)
			in.slab = nil
			l.in.forget()
		}
		l.in.tell()
		if l.in.called { // let the server answer before more is read, which may be long
			l.in.called = false
			runtime.Gosched()
		}
		if err := in.next(l, l.sess.Wait()); err != nil {
			return err
		}
	}
}

// next reads a record of n bytes and handles the frames that are whole by it.
func (in *input) next(l *link, n int) error {
	if in.own && len(in.part)+n <= cap(in.part) {
		b, err := l.sess.Read(in.part)
		if err != nil {
			return err
		}
		l.heard(len(b) - len(in.part))
		in.part = b
		return in.finish(l)
	}
	var before []byte
	if !in.own {
		before = in.part
	}
	before = in.room(before, n)
	b, err := l.sess.Read(before)
	if err != nil {
		return err
	}
	l.heard(len(b) - len(before))
	var rest []byte
	if in.own { // this record has the end of the frame, and more
		end := min(len(b), cap(in.part)-len(in.part))
		in.part, rest = append(in.part, b[:end]...), b[end:]
		if err := in.finish(l); err != nil || in.own {
			*in.slab = b[:0]
			return err
		}
	} else {
		rest = b
	}
	l.in.kept = false
	left, err := l.frames(rest)
	if err != nil {
		return err
	}
	switch {
	case l.in.kept: // the memory before it is that of messages now
		in.keep(left, left[:0])
	default:
		in.keep(left, b[:0])
	}
	return nil
}

// forget lets go of what the last message referred to.
func (in *inbox) forget() {
	in.d.Hdr, in.d.Body, in.d.Stream = nil, nil, nil
	in.msg.Hdr, in.msg.Body, in.msg.Data = nil, nil, nil
}

// heard notes that n bytes came.
func (l *link) heard(n int) {
	l.bytesIn.Add(uint64(n))
	l.in.now = time.Now()
	l.lastRead.Store(l.k.since(l.in.now))
	l.pinged.Store(0)
}

// room returns b, the beginning of a frame, with room for n bytes behind it: in
// the free end of the slab where b ends, or in a new one.
func (in *input) room(b []byte, n int) []byte {
	if in.slab == nil {
		in.slab = slabs.Get().(*[]byte)
	}
	if cap(*in.slab) < n {
		next := make([]byte, len(b), max(slabSize, len(b)+n))
		copy(next, b)
		return next
	}
	if len(b) == 0 {
		return (*in.slab)[:0]
	}
	return b
}

// finish handles the frame that has memory of its own, if it is whole.
func (in *input) finish(l *link) error {
	if len(in.part) < cap(in.part) {
		return nil
	}
	_, err := l.frames(in.part)
	in.part, in.own = nil, false
	return err
}

// keep keeps the beginning of a frame: in memory of its own if the frame is long,
// else in the slab, which is free from the given point on.
func (in *input) keep(part, free []byte) {
	if len(part) >= wire.FrameHeaderLen {
		if n := wire.FrameHeaderLen + int(binary.BigEndian.Uint32(part)); n >= ownMin {
			in.part, in.own = append(make([]byte, 0, n), part...), true
			*in.slab = free
			return
		}
	}
	in.part = append(free, part...)
	*in.slab = in.part[len(in.part):]
}

// keeps reports whether what a message refers to may be kept when it has been
// handled: a body is, and chunks and names are copied.
func keeps(k wire.Kind) bool {
	switch k {
	case wire.KindCall, wire.KindCast, wire.KindReply, wire.KindError, wire.KindMulti, wire.KindOpen, wire.KindGoAway:
		return true
	}
	return false
}

// frames handles the frames in b and returns the beginning of the one that is
// not complete.
func (l *link) frames(b []byte) ([]byte, error) {
	defer l.letGo()
	for {
		body, rest, ok, err := wire.ParseFrame(b, wire.FrameMax)
		if err != nil {
			return nil, errPeer("%w", err)
		}
		if !ok {
			return b, nil
		}
		m := &l.in.msg
		if err := wire.Parse(body, m); err != nil {
			return nil, errPeer("%w", err)
		}
		l.in.kept = l.in.kept || keeps(m.Kind)
		switch {
		case l.attached.Load():
			err = l.handle(m, wire.FrameHeaderLen+len(body))
		case l.peer.Initiator:
			err = l.onFirst(m)
		default:
			err = l.onTurnedAway(m)
		}
		if err != nil {
			return nil, err
		}
		b = rest
	}
}
