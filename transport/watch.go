package transport

// watchersMax is how many monitors a peer may have.
const watchersMax = 1 << 16

// watched are the monitors that the peer of a link has, by number, with the names
// that they watch. The registry's lock guards them.
type watched struct {
	names map[uint64]string
	over  bool // the link is gone, and has none any more
}

// watch lets a monitor of another node know when name ends. It reports false if
// nobody serves the name. An error is the peer's fault.
func (r *registry) watch(name string, w CallRef) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := &w.link.watched
	switch _, twice := of.names[w.corr]; {
	case of.over:
		return true, nil // nobody is there to be told
	case twice:
		return false, errPeer("monitor %d is open already", w.corr)
	case len(of.names) >= watchersMax:
		return false, errPeer("more than %d monitors", watchersMax)
	case (*r.services.Load())[name] == nil:
		return false, nil
	}
	if of.names == nil {
		of.names = make(map[uint64]string)
	}
	of.names[w.corr] = name
	if r.watchers[name] == nil {
		r.watchers[name] = make(map[CallRef]struct{})
	}
	r.watchers[name][w] = struct{}{}
	return true, nil
}

// unwatch ends a monitor, if it has not ended.
func (r *registry) unwatch(w CallRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name, ok := w.link.watched.names[w.corr]; ok {
		delete(w.link.watched.names, w.corr)
		r.forget(name, w)
	}
}

// watchedBy returns how many monitors the peer of a link has.
func (r *registry) watchedBy(l *link) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(l.watched.names)
}

// unwatchLink ends the monitors of a link that is gone. It has none from then on.
func (r *registry) unwatchLink(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for corr, name := range l.watched.names {
		r.forget(name, CallRef{l, corr})
	}
	l.watched = watched{over: true}
}

// forget drops a monitor of a name. r is locked.
func (r *registry) forget(name string, w CallRef) {
	delete(r.watchers[name], w)
	if len(r.watchers[name]) == 0 {
		delete(r.watchers, name)
	}
}

// takeWatchers returns the monitors of a name, and forgets them. r is locked.
func (r *registry) takeWatchers(name string) map[CallRef]struct{} {
	watchers := r.watchers[name]
	delete(r.watchers, name)
	for w := range watchers {
		delete(w.link.watched.names, w.corr)
	}
	return watchers
}

// tellDown tells monitors why what they watch ended.
func tellDown(watchers map[CallRef]struct{}, reason error) {
	code, text := codeOf(reason)
	for w := range watchers {
		w.link.down(w.corr, code, text)
	}
}
