package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// A GateConfig bounds what strangers can cost. A zero field has its default.
type GateConfig struct {
	Reading    int           // handshakes at once in all; 256
	PerAddress int           // of these, from one address; 16
	Waiting    int           // accepted connections that wait unread; 1024
	Timeout    time.Duration // from accept to the end of the handshake, waiting included; 5 s
	Rate       float64       // failed handshakes a second that one address may go on with; 20
	Burst      float64       // failed handshakes that one address may have at once; 100

	// Logger is told of failures that take tokens at debug level, once a minute for
	// each address; nil is silent.
	Logger *slog.Logger
}

func (c GateConfig) withDefaults() GateConfig {
	for _, field := range []struct {
		value *int
		def   int
	}{{&c.Reading, 256}, {&c.PerAddress, 16}, {&c.Waiting, 1024}} {
		if *field.value <= 0 {
			*field.value = field.def
		}
	}
	if c.Timeout <= 0 {
		c.Timeout = handshakeMax
	}
	if c.Rate <= 0 {
		c.Rate = 20
	}
	if c.Burst <= 0 {
		c.Burst = 100
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// GateStats count what a gate did since it was made.
type GateStats struct {
	Accepted      uint64 // connections
	Authenticated uint64
	Failed        map[Reason]uint64
	Throttled     uint64 // closed unread: too many failures from their address
	Evicted       uint64 // closed unread: more were waiting than may
	Expired       uint64 // closed unread: waited for the whole timeout
	AcceptErrors  uint64

	Reading int // handshakes that run now
	Waiting int // connections that wait unread now
}

// A Gate stands between a listener and the handshake. A connection costs little
// until it is authenticated: at most Reading of them have a goroutine, at most
// Waiting more are held unread, and each is gone after Timeout. An address is an
// IPv4 address or an IPv6 network of 64 bits, as that is what one host is given.
//
// A free place goes to the newest connection that waits: under a flood it is the
// one that has most of its time left, while in order of arrival each would get
// its turn when its time is over.
type Gate struct {
	config GateConfig

	mu      sync.Mutex
	stats   GateStats
	reading map[string]int // handshakes that run, by address
	waiting queue
	timer   *time.Timer // for the oldest that waits; nil if none ever waited
	ledger  ledger
}

// NewGate returns a gate with the limits of c.
func NewGate(c GateConfig) *Gate {
	c = c.withDefaults()
	return &Gate{
		config:  c,
		reading: make(map[string]int),
		ledger:  ledger{rate: c.Rate, burst: c.Burst},
		stats:   GateStats{Failed: make(map[Reason]uint64)},
	}
}

// A door is one call of Serve.
type door struct {
	ctx       context.Context
	handshake func(context.Context, net.Conn) error
	running   sync.WaitGroup
}

// Serve accepts connections from l and runs handshake for each within the
// limits, until ctx ends or l is closed. The context that handshake gets ends
// with the connection's time. A nil error means that the peer is authenticated:
// from then on the connection is no concern of the gate. With any other error
// the gate closes it.
//
// No other error of Accept ends Serve: it tries again after a pause of 5 ms that
// doubles up to 1 s, and closes the oldest connection that waits, since what is
// lacking is most often file descriptors. Serve closes l, waits for its
// handshakes, and returns nil if ctx ended, else an error wrapping
// net.ErrClosed. A gate may serve several listeners under the same limits.
func (g *Gate) Serve(ctx context.Context, l net.Listener, handshake func(context.Context, net.Conn) error) error {
	inner, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(inner, func() { l.Close() })
	d := &door{ctx: inner, handshake: handshake}
	err := g.accept(d, l)
	cancel()
	stop()
	l.Close()
	g.abandon(d)
	d.running.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

const (
	pauseMin = 5 * time.Millisecond
	pauseMax = time.Second
)

// accept takes connections until the listener is closed.
func (g *Gate) accept(d *door, l net.Listener) error {
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			g.arrive(&visitor{conn: c, from: addressOf(c.RemoteAddr()), door: d, until: time.Now().Add(g.config.Timeout)})
			continue
		}
		if d.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("session: accept: %w", err)
		}
		g.acceptFailed(err)
		pause = min(max(2*pause, pauseMin), pauseMax)
		select {
		case <-d.ctx.Done():
			return d.ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (g *Gate) acceptFailed(err error) {
	g.mu.Lock()
	g.stats.AcceptErrors++
	oldest := g.waiting.popOldest()
	if oldest != nil {
		g.stats.Evicted++
	}
	g.mu.Unlock()
	if oldest != nil {
		oldest.conn.Close()
	}
	g.config.Logger.Debug("accept failed", "error", err)
}

// Stats returns the counts.
func (g *Gate) Stats() GateStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.stats
	s.Failed = make(map[Reason]uint64, len(g.stats.Failed))
	for reason, n := range g.stats.Failed {
		s.Failed[reason] = n
	}
	s.Waiting = g.waiting.len
	return s
}

// arrive finds a place for a new connection.
func (g *Gate) arrive(v *visitor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stats.Accepted++
	switch {
	case !g.ledger.allows(v.from, time.Now()):
		g.stats.Throttled++
		v.conn.Close()
	case g.room(v.from):
		g.start(v)
	default:
		g.waiting.push(v)
		if g.waiting.len > g.config.Waiting {
			g.stats.Evicted++
			g.waiting.popOldest().conn.Close()
		}
		g.watch()
	}
}

// room reports whether a handshake with an address may start now.
func (g *Gate) room(from string) bool {
	return g.stats.Reading < g.config.Reading && g.reading[from] < g.config.PerAddress
}

// start runs a handshake beside the others.
func (g *Gate) start(v *visitor) {
	g.stats.Reading++
	g.reading[v.from]++
	v.door.running.Go(func() {
		ctx, cancel := context.WithDeadline(v.door.ctx, v.until)
		err := v.door.handshake(ctx, v.conn)
		cancel()
		if err != nil {
			v.conn.Close()
		}
		g.finish(v, err)
	})
}

// finish counts a handshake and gives its place to another.
func (g *Gate) finish(v *visitor, err error) {
	g.mu.Lock()
	g.stats.Reading--
	if g.reading[v.from]--; g.reading[v.from] == 0 {
		delete(g.reading, v.from)
	}
	failures := 0
	switch {
	case err == nil:
		g.stats.Authenticated++
	case v.door.ctx.Err() == nil: // the end of Serve is nobody's failure
		reason := ReasonOf(err)
		g.stats.Failed[reason]++
		if reason.isStranger() {
			failures = g.ledger.fail(v.from, time.Now())
		}
	}
	g.next()
	g.mu.Unlock()
	if failures > 0 {
		g.config.Logger.Debug("handshakes failed", "address", v.from, "reason", string(ReasonOf(err)), "count", failures, "last", err)
	}
}

// next fills the places that are free.
func (g *Gate) next() {
	for g.stats.Reading < g.config.Reading {
		v := g.waiting.popNewest(func(v *visitor) bool { return g.room(v.from) })
		if v == nil {
			return
		}
		if !g.ledger.allows(v.from, time.Now()) {
			g.stats.Throttled++
			v.conn.Close()
			continue
		}
		g.start(v)
	}
}

// watch sets the timer for the oldest that waits.
func (g *Gate) watch() {
	oldest := g.waiting.oldest
	if oldest == nil {
		return
	}
	wait := max(0, time.Until(oldest.until))
	if g.timer == nil {
		g.timer = time.AfterFunc(wait, g.expire)
	} else {
		g.timer.Reset(wait)
	}
}

// expire closes what has waited for its whole time.
func (g *Gate) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for v := g.waiting.oldest; v != nil && !v.until.After(now); v = g.waiting.oldest {
		g.stats.Expired++
		g.waiting.popOldest().conn.Close()
	}
	g.watch()
}

// abandon closes what waits at a door that no longer serves.
func (g *Gate) abandon(d *door) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		v := g.waiting.popNewest(func(v *visitor) bool { return v.door == d })
		if v == nil {
			break
		}
		v.conn.Close()
	}
	if g.timer != nil && g.waiting.len == 0 {
		g.timer.Stop()
	}
}
