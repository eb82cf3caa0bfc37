package transport

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport/internal/session"
)

// A Kernel is one node: it listens, keeps at most one connection to each other
// node, and hands what arrives to services by name. Its methods may be called by
// any number of goroutines.
type Kernel struct {
	config  Config
	log     *slog.Logger
	local   *session.Local
	secrets atomic.Pointer[session.Secrets]
	started time.Time

	ctx    context.Context // ends when the kernel closes
	cancel context.CancelFunc
	tasks  tasks

	listener net.Listener
	gate     *session.Gate
	registry *registry
	events   events
	counters counters

	mu     sync.RWMutex
	peers  map[string]*peer
	guests map[guest]*peer // that dialed this node in a lesser role than a node's

	strangers    []*peer // that nobody here named and that are gone, oldest first; some may be back
	strangersMax int

	told    chan struct{} // closed when OnEvent was told everything; nil without it
	closing atomic.Bool
	closed  chan struct{}
}

// tasks are the goroutines of a kernel.
type tasks struct {
	mu     sync.Mutex
	closed bool
	wait   sync.WaitGroup
}

// Start starts a node. It listens at c.Addr, if there is one, and connects to
// nobody yet. An error wraps [ErrConfig] if c cannot be used. The end of ctx
// closes the kernel as [Kernel.Close] does.
func Start(ctx context.Context, c Config) (*Kernel, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	k := &Kernel{
		config: c, log: c.Logger, started: time.Now(), registry: newRegistry(),
		strangersMax: 1024, peers: make(map[string]*peer), guests: make(map[guest]*peer), closed: make(chan struct{}),
	}
	k.events.wake = make(chan struct{}, 1)
	if err := k.SetCookies(c.Cookie, c.AcceptCookies); err != nil {
		return nil, err
	}
	k.local = &session.Local{
		ID: c.ID, Addr: c.Advertise, App: c.App, Window: uint32(c.Window), Role: c.Role, TLS: c.TLS,
		Secrets: k.secrets.Load, Admit: k.admit,
	}
	rand.Read(k.local.Instance[:])
	if c.Addr != "" {
		listener, err := c.Network.Listen(c.Addr)
		if err != nil {
			return nil, fmt.Errorf("transport: listen: %w", err)
		}
		k.listener = listener
		if k.local.Addr == "" {
			k.local.Addr = listener.Addr().String()
		}
	}
	if err := k.local.Validate(); err != nil {
		if k.listener != nil {
			k.listener.Close()
		}
		return nil, fmt.Errorf("transport: %w: %w", ErrConfig, err)
	}
	k.ctx, k.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if c.OnEvent != nil {
		k.told = make(chan struct{})
		go k.deliverEvents()
	}
	if k.listener != nil {
		k.gate = session.NewGate(session.GateConfig{Logger: c.Logger})
		k.spawn(k.accept)
	}
	k.spawn(k.tick)
	stop := context.AfterFunc(ctx, func() { k.Close() }) // at once, if ctx has ended: all must be there
	context.AfterFunc(k.ctx, func() { stop() })
	return k, nil
}

// spawn runs f in a goroutine that Close waits for. It reports false if the
// kernel closes.
func (k *Kernel) spawn(f func()) bool {
	t := &k.tasks
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.wait.Add(1)
	go func() {
		defer t.wait.Done()
		f()
	}()
	return true
}

// spawnLoose runs f, which may wait for something that only the user can end, in
// a goroutine that Close does not wait for.
func (k *Kernel) spawnLoose(f func()) { go f() }

// now returns nanoseconds since the kernel started.
func (k *Kernel) now() int64 { return k.since(time.Now()) }

// since returns the same for another time; it is never 0.
func (k *Kernel) since(t time.Time) int64 { return int64(t.Sub(k.started)) + 1 }

// tick looks after silent and idle connections.
func (k *Kernel) tick() {
	every := min(max(k.config.PingEvery/4, 10*time.Millisecond), time.Second)
	if idle := k.config.IdleTimeout; idle > 0 {
		every = min(every, max(idle/4, 10*time.Millisecond))
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			now := k.now()
			for _, l := range k.links() {
				l.check(now)
			}
		case <-k.ctx.Done():
			return
		}
	}
}

// SetCookies changes the secret that the node uses, and what it accepts beside
// it. Connections that exist are left alone. To rotate a cookie let every node
// accept the new one, then every node use it, then let every node accept it
// alone.
func (k *Kernel) SetCookies(use string, accept []string) error {
	s, err := session.NewSecrets(use, accept, session.SecretOptions{AllowWeak: k.config.AllowWeakCookie, Insecure: k.config.Insecure})
	if err != nil {
		return fmt.Errorf("transport: %w: %w", ErrConfig, err)
	}
	for _, w := range s.Warnings() {
		k.log.Warn(w)
	}
	k.secrets.Store(s)
	return nil
}

// NewCookie returns a new cookie of 32 random bytes.
func NewCookie() string { return session.NewCookie() }

// DeriveCookie returns what lets its holder connect in one role only, and does
// not tell the cookie.
func DeriveCookie(cookie string, r Role) (string, error) { return session.DeriveRole(cookie, r) }

// ID returns the id of the node.
func (k *Kernel) ID() string { return k.config.ID }

// Addr returns the address that others dial; empty if the node does not listen.
func (k *Kernel) Addr() string { return k.local.Addr }

// Instance returns what tells this start of the node from others.
func (k *Kernel) Instance() [16]byte { return k.local.Instance }

// EncodeLocal returns what the Config says of it.
func (k *Kernel) EncodeLocal() bool { return k.config.EncodeLocal }

// CallTimeout returns how long a call may take whose context has no deadline.
func (k *Kernel) CallTimeout() time.Duration { return k.config.CallTimeout }

// Done returns a channel that is closed when the kernel begins to close.
func (k *Kernel) Done() <-chan struct{} { return k.ctx.Done() }

// links returns the links that are not gone.
func (k *Kernel) links() []*link {
	var links []*link
	for _, p := range k.peerList() {
		links = append(links, p.all()...)
	}
	return links
}

// Close closes the node in order: no new connections and requests, what is on
// its way to other nodes is sent, and each learns that the node leaves. It takes
// at most the drain timeout twice. Nothing of the kernel runs any more when Close
// returns, but what waits for the program: for a stream that was given to be
// sent to yield, or for [Config] OnEvent. Services go on as before: stop servers
// first if calls that they have are to be answered.
func (k *Kernel) Close() error {
	k.close(func(l *link) { l.leave(codeClosing, "the node closes") })
	return nil
}

// Abort closes the node at once, also one that [Kernel.Close] closes already.
// What is on its way is lost, and other nodes see a broken connection.
func (k *Kernel) Abort() {
	k.cancel()
	cut := func(l *link) { l.fail(fmt.Errorf("%w: %w", errLeft, ErrClosed)) }
	for _, l := range k.links() {
		cut(l)
	}
	k.close(cut)
}

func (k *Kernel) close(end func(*link)) {
	if k.closing.CompareAndSwap(false, true) {
		k.shut(end)
		close(k.closed)
	}
	<-k.closed
}

func (k *Kernel) shut(end func(*link)) {
	k.cancel()
	if k.listener != nil {
		k.listener.Close()
	}
	var wait sync.WaitGroup
	for _, p := range k.peerList() {
		p.mu.Lock()
		p.kept = false
		p.mu.Unlock()
		for _, l := range p.all() {
			wait.Go(func() { end(l) })
		}
	}
	wait.Wait()
	k.tasks.mu.Lock()
	k.tasks.closed = true
	k.tasks.mu.Unlock()
	for _, p := range k.peerList() {
		p.close()
		p.parked.close()
	}
	k.tasks.wait.Wait()
	k.registry.close()
	k.events.close()
	if k.told != nil {
		<-k.told
	}
}

// close ends links that came while the kernel closed, reports what the queue
// still holds, and wakes who waits.
func (p *peer) close() {
	for _, l := range p.all() {
		l.fail(fmt.Errorf("%w: %w", errLeft, ErrClosed))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropQueue("closed")
	p.signal()
}
