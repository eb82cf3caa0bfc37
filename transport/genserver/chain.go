package genserver

import (
	"context"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// A header is what travels beside a request to another node.
type header struct {
	Via   []string          `cbor:"1,keyasint,omitempty"` // servers that wait for the answer, "name@node"
	Trace map[string]string `cbor:"2,keyasint,omitempty"`
}

// header returns the header of a request that comes from o, nil if it has none.
// Nobody waits for a cast.
func (o *origin) header(call bool) ([]byte, error) {
	var via []string
	if call && (o.up != nil || o.via != nil) {
		via = o.chain()
	}
	if len(via) == 0 && len(o.trace) == 0 {
		return nil, nil
	}
	return wire.Marshal(&header{Via: via, Trace: o.trace})
}

// parseHeader reads what a peer sent as a header.
func parseHeader(b []byte) (via []string, trace map[string]string, err error) {
	if len(b) == 0 {
		return nil, nil, nil
	}
	h := new(header)
	err = wire.Unmarshal(b, h)
	return h.Via, h.Trace, err
}

// WithTrace returns a context whose requests carry the trace to handlers, theirs
// to those that they call or cast to in turn, and so on. Keys and values are the
// caller's, such as those of W3C Trace Context. All in all it may have some 4,000
// bytes; requests with more fail.
func WithTrace(ctx context.Context, trace map[string]string) context.Context {
	o := originOf(ctx)
	o.trace = trace
	return &scoped{ctx, o}
}

// Trace returns the trace that a request carried, nil if there is none. It must
// not be changed.
func Trace(ctx context.Context) map[string]string { return traceOf(ctx) }

// Detach returns a context for what a handler leaves to another goroutine, when
// its server goes on to other messages: calls made with it may come back to the
// server. With the handler's own context they fail with [transport.ErrCallCycle],
// for a call until its handler has returned, and for a cast at any time. It ends
// as ctx does. [Async] does this by itself, and the context of init needs it only
// until init has returned.
func Detach(ctx context.Context) context.Context {
	o := originOf(ctx)
	if o.up == nil {
		return ctx
	}
	if more := o.up.more; more != nil {
		o.via = append(more.via[:len(more.via):len(more.via)], o.via...)
	}
	o.up = o.up.up.Load()
	return &scoped{ctx, o}
}

// A scoped context has an origin of its own.
type scoped struct {
	context.Context
	origin origin
}

func (c *scoped) Value(key any) any {
	if key == (originKey{}) {
		return &c.origin
	}
	return c.Context.Value(key)
}
