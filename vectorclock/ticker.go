package vectorclock

// A Ticker increments clocks for one actor, and is where the time comes in. The
// zero Floor is right for an actor that never lost its memory. Only one goroutine
// may use a Ticker at a time.
type Ticker struct {
	// Actor is who counts.
	Actor string
	// Now returns the time in Unix microseconds. It may go back. It is needed.
	Now func() int64
	// Floor is a count that the actor may have reached before: its next event
	// is above it, whatever the clock says. Tick raises it.
	Floor uint64
}

// Tick counts one event of the ticker's actor and returns it. No two calls
// return the same event, even on different clocks. It returns an error wrapping
// [ErrActor] or [ErrCount].
func (t *Ticker) Tick(c *Clock) (Dot, error) {
	d, err := c.IncrementFrom(t.Actor, t.Floor, t.Now())
	if err == nil {
		t.Floor = d.Count
	}
	return d, err
}
