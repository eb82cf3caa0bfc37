package hashring

// Overflow takes a unit of load for a key as Acquire does when racers have
// taken all room.
func (b *Bounded) Overflow(key string) Lease {
	st := b.current()
	b.total.Add(1)
	return b.overflow(st, st.snap.hashed(key), 0)
}

// Stale returns the number of stale lines, of all lines, and of the bits that are
// set; it panics if a line that is not stale differs from a new one.
func (s *Snapshot) Stale() (stales, lines, set int) {
	t := &s.t
	for b := range t.lines.all {
		if t.lines.isStale(uint64(b)) {
			set++
			continue
		}
		var l line
		pts, after := t.bucket(uint64(b))
		if l.fill(pts, after, t); l != t.lines.all[b] {
			panic("a line that is not stale is wrong")
		}
	}
	return t.lines.stales, len(t.lines.all), set
}

// AcquireLate acquires as a goroutine does that read the ring before it changed:
// meanwhile is called once the load is counted.
func (b *Bounded) AcquireLate(key string, meanwhile func()) Lease {
	st := b.current()
	lease := b.take(st, key, b.total.Add(1))
	meanwhile()
	b.settle(st, &lease)
	return lease
}

// Forget drops the counter of a node.
func (b *Bounded) Forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.loads, id)
}

// Truncated returns options whose positions have their low bits cleared, so
// that points and keys meet often.
func Truncated(o Options, bits uint8) Options {
	o.truncate = bits
	return o
}
