package transport

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// A registry holds the services of a node by name. Readers load a map that
// does not change.
type registry struct {
	mu       sync.Mutex
	services atomic.Pointer[map[string]Service]
	watchers map[string]map[CallRef]struct{} // monitors of other nodes
	closed   bool
}

func newRegistry() *registry {
	r := &registry{watchers: make(map[string]map[CallRef]struct{})}
	r.services.Store(&map[string]Service{})
	return r
}

// validName reports what is wrong with the name of a node or server.
func validName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > wire.NameMax:
		return fmt.Errorf("%w: it has %d bytes of at most %d", ErrName, len(name), wire.NameMax)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %q is not UTF-8", ErrName, name)
	}
	return nil
}

// Register lets s receive what is sent to name. A name is served by one service
// at a time: the error then wraps [ErrNameTaken]. A name that cannot be sent is
// refused with [ErrName].
func (k *Kernel) Register(name string, s Service) error {
	if err := validName(name); err != nil {
		return fmt.Errorf("transport: register: %w", err)
	}
	r := k.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	old := *r.services.Load()
	switch {
	case r.closed:
		return fmt.Errorf("transport: register %q: %w", name, ErrClosed)
	case old[name] != nil:
		return fmt.Errorf("transport: register %q: %w", name, ErrNameTaken)
	}
	next := maps.Clone(old)
	next[name] = s
	r.services.Store(&next)
	return nil
}

// Unregister ends what Register began, if s still has the name. Monitors of
// other nodes learn reason, [ErrStopped] if it is nil. Messages that the kernel
// keeps for the service are answered with [ErrNoServer] or reported as dropped.
func (k *Kernel) Unregister(name string, s Service, reason error) {
	if reason == nil {
		reason = ErrStopped
	}
	r := k.registry
	r.mu.Lock()
	old := *r.services.Load()
	if old[name] != s {
		r.mu.Unlock()
		return
	}
	next := maps.Clone(old)
	delete(next, name)
	r.services.Store(&next)
	watchers := r.takeWatchers(name)
	r.mu.Unlock()
	tellDown(watchers, reason)
	for _, p := range k.peerList() { // also of nodes that are gone
		p.parked.resume(name)
	}
}

// Down tells monitors of other nodes that the service s of name has crashed or
// stopped, though it keeps the name and will go on. Monitors that are made later
// are not told.
func (k *Kernel) Down(name string, s Service, reason error) {
	r := k.registry
	r.mu.Lock()
	var watchers map[CallRef]struct{}
	if (*r.services.Load())[name] == s {
		watchers = r.takeWatchers(name)
	}
	r.mu.Unlock()
	tellDown(watchers, reason)
}

// Lookup returns the service that has the name on this node.
func (k *Kernel) Lookup(name string) (Service, bool) {
	s, ok := (*k.registry.services.Load())[name]
	return s, ok
}

// Names returns the names that this node serves, in no order.
func (k *Kernel) Names() []string {
	services := *k.registry.services.Load()
	names := make([]string, 0, len(services))
	for name := range services {
		names = append(names, name)
	}
	return names
}

// close takes no more names.
func (r *registry) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}
