package vectorclock

// lost is what a clock remembers of the entries that Trim took out.
type lost struct {
	horizon int64  // the newest time of update among them
	receipt uint64 // the exclusive or of their hashes
	trimmed bool   // there are some
	tainted bool   // receipt does not tell which
}

// add remembers an entry that was lost. One that counts zero events is as none.
func (l *lost) add(actor string, e Entry) {
	if e.Count == 0 {
		return
	}
	if !l.trimmed || e.Updated > l.horizon {
		l.horizon = e.Updated
	}
	l.trimmed = true
	if !l.tainted {
		l.receipt ^= receipt(hashActor(actor), e.Count)
	}
}

// hides reports whether a clock with this memory, which does not show an entry,
// may have lost it.
func (l *lost) hides(e Entry) bool { return l.trimmed && e.Updated <= l.horizon }

// back notes that an entry comes into a clock that did not show it, or showed one
// that counts zero. If it was lost, the receipt counts it still, and would stop to
// if it was lost again.
func (l *lost) back(e Entry) {
	if e.Count > 0 && l.hides(e) {
		l.taint()
	}
}

// later returns the later horizon of two memories, one of which has one.
func (l *lost) later(o *lost) int64 {
	switch {
	case !l.trimmed:
		return o.horizon
	case !o.trimmed:
		return l.horizon
	}
	return max(l.horizon, o.horizon)
}

// taint makes the receipt say that it does not tell.
func (l *lost) taint() { l.tainted, l.receipt = true, 0 }

// receipt is the hash of a lost entry, of the hash of its actor and its count,
// which is all that a comparison looks at.
func receipt(actor, count uint64) uint64 { return mix(actor ^ mix(count+1)) }

// hashActor is the hash of a name: FNV-1a. Package hash/fnv has it for bytes
// alone, and behind an interface.
func hashActor(name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 0x100000001b3
	}
	return h
}

// mix spreads the bits of a hash, so that the exclusive ors of different sets
// differ (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hidden is what two clocks show that the other may have lost.
type hidden struct {
	a, b uint64 // the exclusive ors of the hashes of what only a shows, and only b
	any  bool
}

// hide returns whether a difference is hidden, and adds it if so.
func (h *hidden) hide(d difference, a, b *lost) bool {
	switch {
	case d.a.Count > 0 && d.b.Count == 0 && b.hides(d.a):
		h.a ^= receipt(hashActor(d.actor), d.a.Count)
	case d.b.Count > 0 && d.a.Count == 0 && a.hides(d.b):
		h.b ^= receipt(hashActor(d.actor), d.b.Count)
	case d.a.Count > d.b.Count && b.tainted && b.hides(d.a):
		// b may show an old entry that came back for a newer one that it lost.
	case d.b.Count > d.a.Count && a.tainted && a.hides(d.b):
	default:
		return false
	}
	h.any = true
	return true
}

// accounts reports whether what each clock lost, and the other shows, is all in
// which their losses differ.
func (h *hidden) accounts(a, b *lost) bool {
	return !a.tainted && !b.tainted && a.receipt^b.receipt == h.a^h.b
}

// CompareTrimmed is [Clock.Compare] of clocks of which entries were trimmed. An
// entry that only one clock shows is ignored if the other may have trimmed it:
// if it is no newer than the newest that the other trimmed. So no old clock is
// After a newer one that was trimmed; by Compare it can be.
//
// exact is true if the answer is the one that the clocks would give untrimmed:
// if they are concurrent in what they show, or if what they trimmed is the same
// by their receipts (64-bit hashes of names, which an enemy can make collide).
//
// All this rests on each event having one time, and on the times of an actor only
// growing: Increment and Merge see to that; Set, Remove and Witness with another
// time do not. And it rests on no event being counted twice: an actor whose own
// entry was trimmed counts from one again, unless a [Policy] keeps it or a
// [Ticker] has a floor. It costs O(entries).
func (c *Clock) CompareTrimmed(o *Clock) (order Ordering, exact bool) {
	a, b := c.read(), o.read()
	if !a.trimmed && !b.trimmed {
		return c.Compare(o), true
	}
	if a == b {
		return Equal, !a.tainted
	}
	var h hidden
	ahead, behind := false, false
	for d := range differences(a, b) {
		switch {
		case h.hide(d, &a.lost, &b.lost):
		case d.a.Count > d.b.Count:
			ahead = true
		case d.a.Count < d.b.Count:
			behind = true
		}
	}
	order = OrderingOf(ahead, behind)
	return order, order == Concurrent || h.accounts(&a.lost, &b.lost)
}

// mergeLost returns what the merge of two clocks remembers.
func (b *body) mergeLost(o *body) lost {
	if !b.trimmed && !o.trimmed {
		return lost{}
	}
	var h hidden
	for d := range differences(b, o) {
		h.hide(d, &b.lost, &o.lost)
	}
	m := lost{trimmed: true, horizon: b.later(&o.lost)}
	switch {
	case b.tainted || o.tainted:
		m.taint()
	case h.accounts(&b.lost, &o.lost):
		m.receipt = b.receipt ^ h.b // without what the other shows
	case !h.any && !b.trimmed: // it has lost nothing, so it never saw what the other lost
		m.receipt = o.receipt
	case !h.any && !o.trimmed:
		m.receipt = b.receipt
	default:
		m.taint()
	}
	return m
}
