package transport

// Unacked is the list of requests that may be lost, for a test against a model.
type Unacked struct{ u unacked }

// Push notes a request that was sent.
func (u *Unacked) Push(server string, cast bool) { u.u.push(server, cast) }

// Ack notes how many arrived.
func (u *Unacked) Ack(n uint64) bool { return u.u.ack(n) }

// Casts returns what may be lost.
func (u *Unacked) Casts() map[string]int { return u.u.casts() }

// RememberAtMost bounds the nodes that came by themselves and are gone.
func (k *Kernel) RememberAtMost(n int) { k.strangersMax = n }

// Watchers returns how many monitors of other nodes k has.
func Watchers(k *Kernel) (n int) {
	k.registry.mu.Lock()
	defer k.registry.mu.Unlock()
	for _, w := range k.registry.watchers {
		n += len(w)
	}
	return n
}
