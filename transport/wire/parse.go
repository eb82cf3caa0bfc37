package wire

import "math"

// Parse reads the message that is a frame's body into m, of which it keeps
// nothing but the memory of Dsts. The slices of m share body's memory. It costs
// time linear in the length of body and allocates nothing, unless a MULTI has
// more servers than any that m held.
//
// A message of an unknown kind that a later version may define is no error:
// Parse sets m's Kind and checks that it is well-formed. See [Kind.Known].
//
// What Parse refuses it reports as a [*MessageError], and m is then zero.
func Parse(body []byte, m *Msg) error {
	m.reset()
	if len(body) > FrameMax {
		return &MessageError{Err: ErrFrameTooLarge}
	}
	r := reader(body)
	elements, p := m.readKind(r)
	least, p := m.read(r, p)
	left := elements - 1 - least
	if left > 0 && m.Kind.hasLane() {
		p = m.readLane(r, p)
		left--
	}
	if left > 0 {
		p = r.skipAll(p, left, 1)
	}
	if left < 0 || p != len(body) {
		return m.refuse(malformed(p))
	}
	return nil
}

// refuse returns the error of a negative position.
func (m *Msg) refuse(p int) error {
	at, err := refusal(p)
	e := &MessageError{Kind: m.Kind, Offset: at, Err: err}
	m.reset()
	return e
}

// reset makes m zero, but for the memory of Dsts, which keeps nothing alive.
func (m *Msg) reset() {
	dsts := m.Dsts
	clear(dsts)
	*m = Msg{}
	m.Dsts = dsts[:0]
}

// readKind reads the head of the array and the kind, which are a byte each in
// every message that version 1 writes.
func (m *Msg) readKind(r reader) (elements, next int) {
	if len(r) >= 2 && r[0]-majorArray < 24 && Kind(r[1]).Known() {
		m.Kind = Kind(r[1])
		return int(r[0] - majorArray), 2
	}
	return m.readAnyKind(r)
}

func (m *Msg) readAnyKind(r reader) (elements, next int) {
	elements, p := r.array(0, FrameMax)
	kind, next := r.uint(p, math.MaxUint64)
	k := Kind(kind)
	if next >= 0 && (kind > math.MaxUint8 || !k.Known() && k < kindFree) {
		return 0, noKind(p)
	}
	m.Kind = k
	return elements, next
}

// hasLane reports whether a lane may stand behind the elements of k.
func (k Kind) hasLane() bool {
	return k == KindCall || k == KindCast || k == KindOpen || k == KindMulti
}

// read reads the elements behind the kind. It returns how many a message of
// this kind has at least.
func (m *Msg) read(r reader, p int) (least, next int) {
	switch m.Kind {
	case KindCall:
		m.Corr, p = r.uint(p, math.MaxUint64)
		m.Dst, p = r.name(p)
		m.TTL, p = r.uint32(p, math.MaxUint32)
		m.Hdr, p = r.bytesOrNull(p, HdrMax)
		m.Body, p = r.bytes(p, BodyMax)
		return 5, p
	case KindReply:
		m.Corr, p = r.uint(p, math.MaxUint64)
		m.Body, p = r.bytes(p, BodyMax)
		return 2, p
	case KindCast:
		m.Dst, p = r.name(p)
		m.Hdr, p = r.bytesOrNull(p, HdrMax)
		m.Body, p = r.bytes(p, BodyMax)
		return 3, p
	case KindMulti:
		p = m.readDsts(r, p)
		m.Hdr, p = r.bytesOrNull(p, HdrMax)
		m.Body, p = r.bytes(p, BodyMax)
		return 3, p
	case KindOpen:
		return 8, m.readOpen(r, p)
	case KindData:
		m.Sid, p = r.uint(p, math.MaxUint64)
		m.Body, p = r.bytes(p, ChunkMax)
		return 2, p
	case KindCredit:
		m.Sid, p = r.uint(p, math.MaxUint64)
		m.Count, p = r.uint(p, math.MaxUint64)
		return 2, p
	case KindStop:
		m.Sid, p = r.uint(p, math.MaxUint64)
		return 1, p
	case KindAck:
		m.Count, p = r.uint(p, math.MaxUint64)
		return 1, p
	}
	return m.readControl(r, p)
}

// readControl reads the elements of the kinds that are seldom.
func (m *Msg) readControl(r reader, p int) (least, next int) {
	switch m.Kind {
	case KindError:
		m.Corr, p = r.uint(p, math.MaxUint64)
		p = m.readFault(r, p)
		m.Data, p = r.bytesOrNull(p, BodyMax)
		return 4, p
	case KindCancel, KindMonitor:
		m.Corr, p = r.uint(p, math.MaxUint64)
		m.Dst, p = r.name(p)
		return 2, p
	case KindEnd:
		m.Sid, p = r.uint(p, math.MaxUint64)
		if r.null(p) {
			return 3, r.mustNull(p + 1)
		}
		m.Code, p = r.someText(p, CodeMax)
		m.Text, p = r.text(p, TextMax)
		return 3, p
	case KindDown:
		m.Corr, p = r.uint(p, math.MaxUint64)
		return 3, m.readFault(r, p)
	case KindDemonitor:
		m.Corr, p = r.uint(p, math.MaxUint64)
		return 1, p
	case KindPing, KindPong:
		m.Seq, p = r.uint(p, math.MaxUint64)
		m.Count, p = r.uint(p, math.MaxUint64)
		return 2, p
	case KindGoAway:
		p = m.readFault(r, p)
		m.Data, p = r.bytesOrNull(p, BodyMax)
		return 3, p
	case KindName:
		m.Dst.Index, p = r.uint32(p, NamesMax-1)
		m.Dst.Text, p = r.someText(p, NameMax)
		return 2, p
	case KindDropped:
		m.Dst, p = r.name(p)
		m.Count, p = r.uint(p, math.MaxUint64)
		return 4, m.readFault(r, p)
	}
	return 0, p
}

func (m *Msg) readLane(r reader, p int) (next int) {
	lane, next := r.uint32(p, uint32(LaneUrgent))
	m.Lane = Lane(lane)
	return next
}

// readFault reads a code and a text.
func (m *Msg) readFault(r reader, p int) (next int) {
	m.Code, p = r.text(p, CodeMax)
	m.Text, p = r.text(p, TextMax)
	return p
}

func (m *Msg) readOpen(r reader, p int) (next int) {
	m.Sid, p = r.uint(p, math.MaxUint64)
	mode, p := r.uint32(p, uint32(ModeReplyStream))
	m.Mode = Mode(mode)
	m.Corr, p = r.uint(p, math.MaxUint64)
	if m.Mode.Request() {
		m.Dst, p = r.name(p)
	} else {
		p = r.mustNull(p)
	}
	m.TTL, p = r.uint32(p, math.MaxUint32)
	m.Hdr, p = r.bytesOrNull(p, HdrMax)
	if r.null(p) {
		p++
	} else {
		m.HasSize = true
		m.Size, p = r.uint(p, math.MaxUint64)
	}
	if m.Mode.Streams() {
		m.Body, p = r.bytes(p, BodyMax)
	} else {
		p = r.mustNull(p)
	}
	return p
}

// readDsts reads the servers of a MULTI, of which there must be one.
func (m *Msg) readDsts(r reader, p int) (next int) {
	n, next := r.array(p, DstsMax)
	if next >= 0 && n == 0 {
		return malformed(p)
	}
	for ; n > 0 && next >= 0; n-- {
		var dst Name
		dst, next = r.name(next)
		m.Dsts = append(m.Dsts, dst)
	}
	return next
}
