package hashring

// Overflow takes a unit of load for a key as Acquire does when racers have
// taken all room.
func (b *Bounded) Overflow(key string) Lease {
	st := b.current()
	b.total.Add(1)
	return b.overflow(st, st.snap.hashed(key), 0)
}

// Truncated returns options whose positions have their low bits cleared, so
// that points and keys meet often.
func Truncated(o Options, bits uint8) Options {
	o.truncate = bits
	return o
}
