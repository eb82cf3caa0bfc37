package genserver

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// What became of a request.
const (
	pending  uint32 = iota
	returned        // its handler did, and that answered it
	answered        // by somebody else; its handler may still run
	canceled        // its caller gave up, or is gone
	expired         // its deadline passed
)

// A request is what the server keeps of a call, of a cast that has more than an
// event and a value, or of an incarnation's own life. It is the context that
// handlers get: a context of its own kind because those of package context cost
// more than a local call does.
//
// Requests are allocated many at once and never used again, so that a handler
// may keep its context.
type request struct {
	ep       *endpoint
	root     *request // of the incarnation that handles it, whose end ends a cast
	more     *extras  // nil if the fields there are zero
	deadline int64    // on the endpoint's clock; 0: none

	// up is the request whose handler made this one; nil if none did, or on another
	// node. It is nil, too, once this one has ended: nobody waits for it then, and two
	// servers that call each other would keep each other's requests for ever.
	up atomic.Pointer[request]

	slot  *slot // of a local call: its caller's, until state is not pending
	done  atomic.Pointer[chan struct{}]
	state atomic.Uint32
	apart atomic.Bool // its handler returned, and somebody else will answer
	kind  kind
}

// A slot is where a local caller waits, and where it finds the answer. It is
// used for many calls.
type slot struct {
	end   chan struct{} // holds one, when the call has ended
	value any
	err   error
}

// A kind says what a request stands for.
type kind uint8

const (
	ofRoot kind = iota // what an incarnation does by itself
	ofCast
	ofCall
)

// extras are fields that few local requests need.
type extras struct {
	via    []string          // servers on other nodes that wait for it
	trace  map[string]string // see [WithTrace]
	stream io.ReadCloser     // what the caller streams
	remote bool              // call is a caller on another node
	call   transport.CallRef
}

// newExtras returns those of a local call.
func newExtras(o *origin, stream io.Reader) *extras {
	x := &extras{via: o.via, trace: o.trace}
	if stream != nil {
		x.stream = leashed(stream)
	}
	return x
}

// A source is the connection that messages of another node come over.
type source struct {
	node string
	role transport.Role
	link transport.LinkID
}

// An inbound is what the server keeps of a call of another node.
type inbound struct {
	request
	extras
	body payload
}

// chunk is how many requests are allocated at once: one allocation a call would
// cost a tenth of all that a local call does.
const chunk = 64

// next takes one of many that are allocated at once.
func next[T any](spare *[]T) *T {
	if len(*spare) == 0 {
		*spare = make([]T, chunk)
	}
	t := &(*spare)[0]
	*spare = (*spare)[1:]
	return t
}

// newRequest returns a request to ep. ep is locked.
func (ep *endpoint) newRequest(k kind) *request {
	r := next(&ep.spare.requests)
	r.ep, r.kind = ep, k
	return r
}

// finish ends r, once: later attempts return false. It must be called without
// the endpoint's lock.
//
// The caller of a handler that ends its own call closes the stream of the answer
// if finish returns false.
func (r *request) finish(state uint32, value any, err error) bool {
	remote := r.more != nil && r.more.remote
	if err != nil && (remote || r.ep.encode) {
		err = plain(err) // now: what an error says is its author's code, which must not keep the call from its end
	}
	if !r.state.CompareAndSwap(pending, state) {
		return false
	}
	if done := r.done.Load(); done != nil {
		r.closeDone(done)
	}
	if r.up.Load() != nil {
		r.up.Store(nil)
	}
	if r.more != nil && r.more.stream != nil {
		r.more.stream.Close()
	}
	switch {
	case r.slot != nil:
		if r.ep.encode {
			value, err = encodeAnswer(value, err)
		}
		r.slot.value, r.slot.err = value, err
		r.slot.end <- struct{}{}
	case !remote:
	case state == canceled:
		r.more.call.Forget()
	default:
		r.more.send(value, err)
	}
	return true
}

// forget lets go of what a call refers to that no server took.
func (r *request) forget() {
	r.up.Store(nil)
	r.slot, r.more = nil, nil
}

// closed is a channel that is closed.
var closed = func() *chan struct{} {
	c := make(chan struct{})
	close(c)
	return &c
}()

// closeDone closes the channel that Done returned, unless somebody else does.
func (r *request) closeDone(done *chan struct{}) {
	if done != closed && r.done.CompareAndSwap(done, closed) {
		close(*done)
	}
}

// Done returns a channel that is closed when nobody waits for the handler any
// more. It is made when it is asked for: most handlers do not.
func (r *request) Done() <-chan struct{} {
	if r.kind == ofCast && r.root != nil {
		return r.root.Done()
	}
	if done := r.done.Load(); done != nil {
		return *done
	}
	made := make(chan struct{})
	if !r.done.CompareAndSwap(nil, &made) {
		return *r.done.Load()
	}
	if r.state.Load() != pending { // finish may have looked before the swap
		r.closeDone(&made)
	}
	return made
}

// Err returns nil until Done is closed.
func (r *request) Err() error {
	if r.kind == ofCast && r.root != nil {
		return r.root.Err()
	}
	switch r.state.Load() {
	case pending:
		return nil
	case expired:
		return context.DeadlineExceeded
	default:
		return context.Canceled
	}
}

// why returns why a call ended that its handler did not.
func (r *request) why() error {
	if r.state.Load() == expired {
		return transport.ErrTimeout
	}
	return transport.ErrCanceled
}

// Deadline returns when the caller stops waiting.
func (r *request) Deadline() (time.Time, bool) {
	if r.deadline == 0 {
		return time.Time{}, false
	}
	return r.ep.base.Add(time.Duration(r.deadline - 1)), true
}

// Value finds nothing but the request itself.
func (r *request) Value(key any) any {
	if key == (originKey{}) {
		return r
	}
	return nil
}

// origin says where a request comes from, to those that are made because of it.
type origin struct {
	up    *request
	via   []string
	trace map[string]string
}

type originKey struct{}

// originOf returns what a context knows of the handler that it was given to.
func originOf(ctx context.Context) (o origin) {
	if v := ctx.Value(originKey{}); v != nil {
		o = originIn(v)
	}
	return o
}

func originIn(v any) origin {
	switch o := v.(type) {
	case *request:
		return o.origin()
	case *origin:
		return *o
	}
	return origin{}
}

// traceOf returns what [Trace] does.
func traceOf(ctx context.Context) map[string]string {
	if v := ctx.Value(originKey{}); v != nil {
		return originIn(v).trace
	}
	return nil
}

// origin is what a request that r's handler makes comes from.
func (r *request) origin() origin {
	o := origin{up: r}
	if r.more != nil {
		o.trace = r.more.trace
	}
	return o
}

// blocks reports whether r's server is busy with it.
func (r *request) blocks() bool { return !r.apart.Load() && r.state.Load() != returned }

// waits reports whether the server addr waits, directly or through others, for
// what comes from o.
func (o *origin) waits(addr string) bool {
	if slices.Contains(o.via, addr) {
		return true
	}
	for r := o.up; r != nil; r = r.up.Load() {
		if r.ep.addr == addr && r.blocks() {
			return true
		}
		if r.state.Load() != pending {
			return false // whoever waited for r does not any more
		}
		if r.more != nil && slices.Contains(r.more.via, addr) {
			return true
		}
	}
	return false
}

// chain returns the servers that wait for what comes from o, the first caller
// first.
func (o *origin) chain() []string {
	chain := appendReversed(nil, o.via) // the last first
	for r := o.up; r != nil; r = r.up.Load() {
		if r.blocks() {
			chain = append(chain, r.ep.addr)
		}
		if r.state.Load() != pending {
			break
		}
		if r.more != nil {
			chain = appendReversed(chain, r.more.via)
		}
	}
	slices.Reverse(chain)
	return chain
}

func appendReversed(dst, src []string) []string {
	for i := len(src) - 1; i >= 0; i-- {
		dst = append(dst, src[i])
	}
	return dst
}
