package genserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/clusterluck/clusterluck/transport"
)

// A Server owns a state and handles the messages sent to its name, one at a
// time. Its methods may be called from any goroutine, by its handlers too.
//
// A supervisor that restarts a server makes a new Server with the same name,
// which gets the messages that waited for the old one.
type Server struct {
	ep       *endpoint
	start    int           // 1 for the first incarnation
	halting  chan struct{} // closed when the incarnation, which must end, has; nil if it need not. Guarded by ep.mu
	why      error         // it was given up; nil if it was not. Guarded by ep.mu
	gone     chan struct{} // closed when what OnStop registered has run
	life     context.Context
	endLife  context.CancelFunc // of a server that is killed: its children need not end in order
	grace    atomic.Int64       // how long the children of a supervisor may take to end; 0: it is none
	handlers atomic.Pointer[handlers]
	root     *request // context of what the server does by itself
	self     From     // of local casts

	wake chan struct{} // holds one

	// cursor counts the items that were taken, by the server to run them or by
	// others to throw them away; whoever moves it by one has the next. Each
	// incarnation has its own, so that one that was given up for dead takes nothing
	// any more.
	cursor atomic.Uint64

	// Set for the server's goroutine while it does not run messages.
	base        uint64 // what cursor was, or would have been, at the first item of out
	out         []item // of the current lane
	from, until int    // of out: what it may run before it looks at what changed
	handed      bool   // by who woke it

	// Used by the server's goroutine alone.
	ready    chan<- error // nil once init has returned
	exit     error        // why the loop shall end, if it shall
	fatal    error        // of what is being handled, which ends the goroutine
	last     lookup
	apart    []*request // to be answered later, since ep was last locked
	finished []*request // of other nodes, answered since then
	handled  uint64
	failed   uint64
	expired  uint64
	running  string  // event of the handler that runs
	reply    payload // to the call that is handled

	mu     sync.Mutex
	onStop []func(error)
	timers map[stopper]struct{}
	bad    error // what init did wrong
	begun  bool  // init has returned
	dead   bool  // timers and monitors are not accepted any more
}

// Start starts a server and returns when it is ready: init has built its state
// and registered its handlers, and returned nil. The context that init gets
// ends when the server does; init runs as a handler does, so that what is sent
// to the server meanwhile waits.
//
// The name is unique on the node of k and has no "@" in it; if it is empty, a
// random one is made. Start fails with [transport.ErrNameTaken] if a server has
// the name, with [transport.ErrName] if it cannot be sent, with the error of
// init, or with [transport.ErrCrashed] if init panics. Nothing is left of the
// server then.
func Start(k Kernel, name string, init func(ctx context.Context, s *Server) error) (*Server, error) {
	if name == "" {
		name = "server-" + rand.Text()
	}
	ep, err := register(k, name, nil)
	if err != nil {
		return nil, fmt.Errorf("genserver: start %q: %w", name, err)
	}
	s, err := ep.start(context.Background(), init)
	if err != nil {
		ep.end(err)
		return nil, fmt.Errorf("genserver: start %q: %w", name, err)
	}
	return s, nil
}

// register makes an endpoint known to its kernel.
func register(k Kernel, name string, o owner) (*endpoint, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	ep := newEndpoint(k, name)
	ep.owner = o
	if err := k.Register(name, ep); err != nil {
		return nil, err
	}
	return ep, nil
}

// start makes an incarnation of the server and waits until it is ready. If ctx
// ends before, it is given up.
func (ep *endpoint) start(ctx context.Context, init func(context.Context, *Server) error) (*Server, error) {
	ready := make(chan error, 1)
	s := &Server{
		ep: ep, wake: make(chan struct{}, 1), ready: ready, gone: make(chan struct{}),
		timers: make(map[stopper]struct{}), root: &request{ep: ep, kind: ofRoot},
	}
	s.self = From{node: ep.node, role: transport.RoleNode, to: s}
	s.handlers.Store(&handlers{})
	s.life, s.endLife = context.WithCancel(context.Background())
	ep.mu.Lock()
	if ep.over {
		ep.mu.Unlock()
		return nil, transport.ErrStopped
	}
	ep.inc, ep.cur, ep.paused = s, nil, false
	ep.starts++
	s.start = ep.starts
	ep.box = Mailbox{}.withDefaults()
	ep.mu.Unlock()

	go s.main(init)
	select {
	case err := <-ready:
		return s, err
	case <-ctx.Done():
		ep.giveUp(s, transport.ErrStopped)
		return nil, context.Cause(ctx)
	}
}

// main is the server's goroutine.
func (s *Server) main(init func(context.Context, *Server) error) {
	defer func() {
		if s.fatal != nil { // a handler called runtime.Goexit
			go s.crash(s.fatal)
		}
	}()
	// init has a request of its own: goroutines that it starts may call the server
	// when it has returned.
	begin := &request{ep: s.ep, root: s.root, kind: ofCast}
	err := s.guard(func() error { return errors.Join(init(begin, s), s.began()) })
	begin.apart.Store(true)
	if err != nil {
		s.crash(err)
		return
	}
	s.ready <- nil
	s.ready = nil
	if err := s.guard(s.loop); err != nil {
		s.crash(err)
		return
	}
	s.leave()
}

// began ends the time of init, and returns what it did wrong.
func (s *Server) began() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	return s.bad
}

// guard calls f, and returns a CrashError if f does not return.
func (s *Server) guard(f func() error) (err error) {
	s.fatal = errGoexit
	defer func() {
		if s.fatal == nil {
			return
		}
		value := recover()
		crash := &CrashError{Server: s.ep.name, Event: s.running, Value: value, Stack: debug.Stack()}
		if err = crash; value == nil {
			s.fatal = crash
			return
		}
		s.fatal = nil
	}()
	err = f()
	s.fatal = nil
	return err
}

// errGoexit stands for what is not known yet.
var errGoexit = errors.New("the goroutine ended")

// Name returns the name of the server.
func (s *Server) Name() string { return s.ep.name }

// Node returns the id of the node that the server runs on.
func (s *Server) Node() string { return s.ep.node }

// Kernel returns what the server was started with.
func (s *Server) Kernel() Kernel { return s.ep.k }

// SetMailbox bounds the mailbox anew. What waits already stays. It fails with
// [transport.ErrConfig], and then changes nothing.
func (s *Server) SetMailbox(m Mailbox) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("genserver: server %q: %w", s.ep.name, err)
	}
	s.change(func(ep *endpoint) { ep.box = m.withDefaults() })
	return nil
}

// Pause keeps the server from handling messages once the handler that runs has
// returned. They wait, as far as the mailbox has room, and so do ticks; calls
// may time out. Pausing twice is pausing once.
func (s *Server) Pause() { s.change(func(ep *endpoint) { ep.paused = true }) }

// Resume ends a pause, and does nothing if there is none.
func (s *Server) Resume() { s.change(func(ep *endpoint) { ep.paused = false }) }

// fail ends the server as a crash does, when what it runs now is done. It is
// called by the server's goroutine.
func (s *Server) fail(reason error) {
	s.exit = reason
	s.change(func(*endpoint) {})
}

// change changes the endpoint, if s is its incarnation, and lets the server look
// at it.
func (s *Server) change(f func(ep *endpoint)) {
	ep := s.ep
	ep.mu.Lock()
	if ep.inc != s {
		ep.mu.Unlock()
		return
	}
	f(ep)
	wake := ep.interrupt()
	ep.mu.Unlock()
	rouse(wake)
}

// Done returns a channel that is closed when the server ended for good. A crash
// after which a supervisor restarts the server is not the end.
func (s *Server) Done() <-chan struct{} { return s.ep.done }

// Err returns nil until Done is closed, and then why the server ended:
// [transport.ErrStopped], [ErrGaveUp] if it is a supervisor that did, or an error
// for which errors.Is finds [transport.ErrCrashed].
func (s *Server) Err() error {
	s.ep.mu.Lock()
	defer s.ep.mu.Unlock()
	return s.ep.reason
}

// OnStop has f called when the server ends or crashes, with the reason, by the
// server's goroutine when no handler runs. Functions are called in the reverse
// order of their registration.
func (s *Server) OnStop(f func(reason error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onStop = append(s.onStop, f)
}
