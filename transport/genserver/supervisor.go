package genserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// A Strategy says which children a supervisor restarts when one has crashed.
type Strategy uint8

const (
	OneForOne  Strategy = iota // the one that crashed
	OneForAll                  // all
	RestForOne                 // it and those after it in the list
)

// A Restart says when a child is restarted.
type Restart uint8

const (
	Permanent Restart = iota // whenever it ends
	Transient                // when it crashes; if it stops it stays away
	Temporary                // never
)

// A Child says how to start a server that is supervised.
type Child struct {
	Name    string
	Init    func(ctx context.Context, s *Server) error // as for [Start]; run anew at each restart
	Restart Restart

	// Shutdown is what ending it in order may take before it is killed: handling what
	// waits, and what OnStop registered. 0 stands for 5 s, and for a supervisor for
	// 5 s more than its children may take. A supervisor that is killed kills its
	// children. The next incarnation starts when the one before has ended, or the
	// time is over.
	Shutdown time.Duration
}

// A Group says what a supervisor supervises, and how.
type Group struct {
	Strategy Strategy
	Children []Child // started in this order and stopped in the reverse

	// A supervisor that would have to restart more than Intensity times within
	// Period gives up: it stops its children and ends with [ErrGaveUp], which its
	// own supervisor sees as a crash.
	Intensity int           // 0: 3; -1: none
	Period    time.Duration // 0: 5 s
}

// Supervise returns the init function of a supervisor, which is a server that
// starts others, for [Start]:
//
//	sup, err := genserver.Start(k, "sup", genserver.Supervise(genserver.Group{Children: ...}))
//
// A child may be a supervisor too. The messages that wait for a server that
// crashed wait for its next incarnation; the call that it handled, and those that
// it left to be answered later, fail with [transport.ErrCrashed]. Its monitors
// learn of each crash. The children stop when the supervisor does.
//
// The supervisor answers the event "children" with a []ChildStatus.
func Supervise(g Group) func(ctx context.Context, s *Server) error {
	return func(ctx context.Context, s *Server) error {
		if err := g.validate(); err != nil {
			return err
		}
		v := &supervisor{s: s, ctx: ctx, group: g.withDefaults()}
		s.OnStop(func(reason error) { v.stopFrom(0) })
		for i := range v.group.Children {
			c := &child{Child: v.group.Children[i], v: v}
			v.children = append(v.children, c)
			if err := v.start(c); err != nil {
				return fmt.Errorf("child %q: %w", c.Name, err)
			}
		}
		Handle(s, "children", func(context.Context, From, any) ([]ChildStatus, error) { return v.status(), nil })
		return nil
	}
}

// A ChildStatus tells about one child of a supervisor.
type ChildStatus struct {
	Name     string `cbor:"name"`
	Running  bool   `cbor:"running"`
	Restarts int    `cbor:"restarts"`
}

const shutdownTime = 5 * time.Second

func (g Group) withDefaults() Group {
	switch g.Intensity {
	case 0:
		g.Intensity = 3
	case -1:
		g.Intensity = 0
	}
	if g.Period == 0 {
		g.Period = 5 * time.Second
	}
	g.Children = slices.Clone(g.Children)
	return g
}

func (g Group) validate() error {
	if g.Strategy > RestForOne || g.Intensity < -1 || g.Period < 0 {
		return fmt.Errorf("%w: supervisor with strategy %d, intensity %d, period %v", transport.ErrConfig, g.Strategy, g.Intensity, g.Period)
	}
	for _, c := range g.Children {
		if c.Init == nil || c.Restart > Temporary || c.Shutdown < 0 {
			return fmt.Errorf("%w: child %q has no Init, restart %d or shutdown %v", transport.ErrConfig, c.Name, c.Restart, c.Shutdown)
		}
	}
	return nil
}

// A supervisor is the state of the server that supervises. Its server's
// goroutine alone uses it.
type supervisor struct {
	s        *Server
	ctx      context.Context
	group    Group
	children []*child
	restarts []time.Time // within the period
}

// A child is one server that is supervised.
type child struct {
	Child
	v        *supervisor
	ep       *endpoint // nil: it is not to run
	down     bool      // it is to run, and does not
	restarts int
}

// crashed lets the supervisor decide, in its goroutine.
func (c *child) crashed(ep *endpoint, start int, reason error) {
	decide := func() {
		if ep.started() == start { // else it was restarted meanwhile, with another
			c.v.exited(c, ep, reason)
		}
	}
	if !c.v.s.do(decide) {
		ep.end(reason)
	}
}

// ended lets the supervisor learn that a child is gone for good.
func (c *child) ended(ep *endpoint, reason error) {
	c.v.s.do(func() { c.v.exited(c, ep, reason) })
}

// start starts a child, or its next incarnation.
func (v *supervisor) start(c *child) error {
	c.down = true
	if c.ep != nil && c.ep.isStopping() { // somebody stopped it, so that nothing waits
		c.ep.end(transport.ErrStopped)
		c.ep = nil
	}
	if c.ep == nil {
		ep, err := register(v.s.ep.k, c.Name, c)
		if err != nil {
			return err
		}
		c.ep = ep
	}
	if _, err := c.ep.start(v.ctx, c.Init); err != nil {
		return err
	}
	c.down = false
	grace := time.Duration(0)
	for _, c := range v.children {
		grace += c.limit()
	}
	v.s.grace.Store(int64(grace))
	return nil
}

// limit returns how long ending a child in order may take.
func (c *child) limit() time.Duration {
	if c.Shutdown > 0 {
		return c.Shutdown
	}
	if c.ep == nil {
		return shutdownTime
	}
	c.ep.mu.Lock()
	defer c.ep.mu.Unlock()
	s := c.ep.inc
	if s == nil {
		s = c.ep.last
	}
	if s == nil {
		return shutdownTime
	}
	return shutdownTime + time.Duration(s.grace.Load())
}

// exited restarts what is to be restarted after a child crashed or ended.
func (v *supervisor) exited(c *child, ep *endpoint, reason error) {
	if c.ep != ep || c.down {
		return // known, or of an endpoint before
	}
	c.down = true
	if c.Restart == Temporary || c.Restart == Transient && errors.Is(reason, transport.ErrStopped) {
		c.ep = nil
		ep.end(reason)
		return
	}
	for i := slices.Index(v.children, c); i >= 0; {
		if !v.mayRestart() {
			v.s.fail(ErrGaveUp)
			return
		}
		i = v.restart(i)
	}
}

// mayRestart counts a restart, and reports whether it is not one too many.
func (v *supervisor) mayRestart() bool {
	now := time.Now()
	v.restarts = slices.DeleteFunc(v.restarts, func(t time.Time) bool { return now.Sub(t) > v.group.Period })
	v.restarts = append(v.restarts, now)
	return len(v.restarts) <= v.group.Intensity && v.ctx.Err() == nil
}

// restart restarts child i and those that the strategy says. It returns the
// child that did not start, -1 if all did.
func (v *supervisor) restart(i int) (failed int) {
	from, to := i, i+1
	switch v.group.Strategy {
	case OneForAll:
		from, to = 0, len(v.children)
	case RestForOne:
		to = len(v.children)
	}
	for j := to - 1; j >= from; j-- {
		c := v.children[j]
		if c.ep == nil {
			continue
		}
		if c.Restart == Temporary && !c.down {
			c.stop()
			continue
		}
		ctx, cancel := context.WithTimeout(v.s.life, c.limit())
		c.ep.halt(ctx) // also one that is down, which may not have ended yet
		cancel()
		c.down = true
	}
	for j := from; j < to; j++ {
		c := v.children[j]
		if c.ep == nil {
			continue
		}
		c.restarts++
		if err := v.start(c); err != nil {
			return j
		}
	}
	return -1
}

// stopFrom stops the children from the last down to child i.
func (v *supervisor) stopFrom(i int) {
	for j := len(v.children) - 1; j >= i; j-- {
		v.children[j].stop()
	}
}

// stop ends a child for good.
func (c *child) stop() {
	ep := c.ep
	if ep == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.v.s.life, c.limit())
	defer cancel()
	c.ep = nil
	ep.mu.Lock()
	s, last := ep.inc, ep.last
	ep.mu.Unlock()
	if s != nil {
		s.Stop(ctx)
		last = s
	}
	if last != nil {
		last.await(ctx)
	}
	ep.end(transport.ErrStopped) // if it was down, or crashed meanwhile
}

func (v *supervisor) status() []ChildStatus {
	all := make([]ChildStatus, len(v.children))
	for i, c := range v.children {
		all[i] = ChildStatus{Name: c.Name, Running: !c.down, Restarts: c.restarts}
	}
	return all
}
