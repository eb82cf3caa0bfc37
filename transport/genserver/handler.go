package genserver

import (
	"context"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A From says who sent a message. A handler keeps it to answer later.
type From struct {
	node string
	role transport.Role
	call *request // nil for casts
	to   *Server
}

// Node returns the id of the node that the message came from, as it proved it.
func (f From) Node() string { return f.node }

// Role returns what the node proved that it may do. Events are open to members
// and operators; a handler that is not for operators asks. See
// [Server.AllowObservers] for those who may only look.
func (f From) Role() transport.Role { return f.role }

// IsCall reports whether the sender waits for a reply.
func (f From) IsCall() bool { return f.call != nil }

// Handle registers fn for the event, for calls and casts. What fn returns
// answers a call and is ignored for a cast. A second registration replaces the
// first. Handlers are registered by init, or later by handlers; no event name
// has a meaning of its own. One that cannot be sent, being empty, longer than 255
// bytes or not UTF-8, fails init, and crashes the server afterwards.
//
// A request is decoded into Req. A local one is passed as it is, if it has that
// type, and otherwise as if it came from another node: neither side may change
// afterwards what a message points to. The context ends when the caller stops
// waiting: at its deadline, when it gives up, or when its node is gone. That of a
// cast ends with the server. A goroutine that outlives the handler needs
// [Detach](ctx).
//
// An error fails the call; see [Error] for what the caller sees. A panic fails it
// with [transport.ErrCrashed] and ends the server, or lets its supervisor restart
// it.
func Handle[Req, Rep any](s *Server, event string, fn func(ctx context.Context, from From, req Req) (Rep, error)) {
	s.register(event, &typed[Req, Rep]{fn: fn, generic: isInterface[Req]()})
}

// HandleReader is Handle for calls that come with a stream, as [CallReader]
// makes them; for others body is at its end. fn reads in the server's goroutine
// and keeps the server from other messages meanwhile; to read in another
// goroutine it returns what [Async] does. body is closed when the call has been
// answered.
func HandleReader[Req, Rep any](s *Server, event string,
	fn func(ctx context.Context, from From, req Req, body io.Reader) (Rep, error)) {
	HandleStream(s, event, func(ctx context.Context, from From, req Req, body io.Reader) (Rep, io.Reader, error) {
		rep, err := fn(ctx, from, req, body)
		return rep, nil, err
	})
}

// HandleStream is HandleReader for handlers that answer with a stream beside
// the reply. The stream is read until its end, after fn has returned, by another
// goroutine or node, and closed then if it is an [io.Closer]. A caller that does
// not ask for a stream, by [OpenStream], gets the reply alone.
func HandleStream[Req, Rep any](s *Server, event string,
	fn func(ctx context.Context, from From, req Req, body io.Reader) (Rep, io.Reader, error)) {
	s.register(event, &streaming[Req, Rep]{fn: fn, generic: isInterface[Req]()})
}

// HandleAny registers fn for the events that have no handler.
func (s *Server) HandleAny(fn func(ctx context.Context, from From, event string, req Payload) (any, error)) {
	s.changeHandlers(func(h *handlers) { h.rest = fn })
}

// A handler runs a message and returns what answers it.
type handler interface {
	serve(ctx context.Context, from From, it *item) (any, error)
}

// handlers does not change once it is visible.
type handlers struct {
	byEvent map[string]handler
	rest    func(ctx context.Context, from From, event string, req Payload) (any, error)
	looks   map[string]bool // events that observers may send
}

// AllowObservers opens events to nodes that may only look, those with
// [transport.RoleObserver]. What else they send ends with
// [transport.ErrDenied].
func (s *Server) AllowObservers(events ...string) {
	s.changeHandlers(func(h *handlers) {
		h.looks = maps.Clone(h.looks)
		if h.looks == nil {
			h.looks = make(map[string]bool)
		}
		for _, event := range events {
			h.looks[event] = true
		}
	})
}

// lookup remembers the last handler found: events often come in rows.
type lookup struct {
	in    *handlers
	event string
	found handler
}

func (s *Server) register(event string, h handler) {
	if err := checkText(event); err != nil {
		err = fmt.Errorf("event: %w", err)
		s.mu.Lock()
		begun := s.begun
		s.bad = err
		s.mu.Unlock()
		if begun {
			From{to: s}.crash(err)
		}
		return
	}
	s.changeHandlers(func(next *handlers) { next.byEvent[event] = h })
}

func (s *Server) changeHandlers(f func(h *handlers)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.handlers.Load()
	next := &handlers{byEvent: maps.Clone(old.byEvent), rest: old.rest, looks: old.looks}
	if next.byEvent == nil {
		next.byEvent = make(map[string]handler)
	}
	f(next)
	s.handlers.Store(next)
}

// dispatch runs the handler of a message.
func (s *Server) dispatch(ctx context.Context, from From, it *item) (any, error) {
	now := s.handlers.Load()
	if from.role == transport.RoleObserver && !now.looks[it.event] {
		return nil, transport.ErrDenied
	}
	l := &s.last
	if l.in != now || l.event != it.event {
		h := now.byEvent[it.event]
		if h == nil {
			if now.rest == nil {
				return nil, transport.ErrNoHandler
			}
			value, err := now.rest(ctx, from, strings.Clone(it.event), Payload{kept(it.value)})
			return value, ofHandler(err)
		}
		*l = lookup{now, it.event, h}
	}
	return l.found.serve(ctx, from, it)
}

// typed is a handler that Handle made.
type typed[Req, Rep any] struct {
	fn      func(ctx context.Context, from From, req Req) (Rep, error)
	generic bool
}

func (h *typed[Req, Rep]) serve(ctx context.Context, from From, it *item) (any, error) {
	req, ok := it.value.(Req)
	if !ok || h.generic {
		var err error
		if req, err = convert[Req](it.value); err != nil {
			return nil, fmt.Errorf("%w: %w", transport.ErrBadRequest, err)
		}
	}
	rep, err := h.fn(ctx, from, req)
	switch {
	case err != nil || from.call == nil:
		return nil, ofHandler(err)
	case it.from != nil: // encode it here, where it need not become an any
		b := &from.to.reply
		if *b, ok = wire.AppendPlain((*b)[:0], rep); ok {
			return b, nil
		}
	}
	return rep, nil
}

// streaming is a handler that HandleStream made.
type streaming[Req, Rep any] struct {
	fn      func(ctx context.Context, from From, req Req, body io.Reader) (Rep, io.Reader, error)
	generic bool
}

func (h *streaming[Req, Rep]) serve(ctx context.Context, from From, it *item) (any, error) {
	req, ok := it.value.(Req)
	if !ok || h.generic {
		var err error
		if req, err = convert[Req](it.value); err != nil {
			return nil, fmt.Errorf("%w: %w", transport.ErrBadRequest, err)
		}
	}
	var body io.Reader = strings.NewReader("")
	if r := it.req; r != nil && r.more != nil && r.more.stream != nil {
		body = r.more.stream
	}
	rep, answer, err := h.fn(ctx, from, req, body)
	if answer == nil {
		return rep, ofHandler(err)
	}
	if err != nil || from.call == nil {
		closeReader(answer)
		return nil, ofHandler(err)
	}
	return &streamed{rep, answer}, nil
}

// streamed is a reply with a stream.
type streamed struct {
	value any
	body  io.Reader
}

// payload is an encoded value.
type payload []byte

// kept returns a value that may be kept when its message has been handled.
func kept(value any) any {
	if p, ok := value.(*payload); ok {
		own := *p
		return &own
	}
	return value
}

// A Payload is a request whose type the handler chooses when it sees it.
type Payload struct{ value any }

// Decode decodes the request into what v points to. It fails with
// [transport.ErrBadRequest].
func (p Payload) Decode(v any) error {
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() {
		return fmt.Errorf("genserver: decode into %T, which is no pointer: %w", v, transport.ErrBadRequest)
	}
	if from := reflect.ValueOf(p.value); from.IsValid() && from.Type() == to.Elem().Type() {
		to.Elem().Set(from)
		return nil
	}
	b, err := encoded(p.value)
	if err == nil {
		err = wire.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("genserver: %w: %w", transport.ErrBadRequest, err)
	}
	return nil
}

// convert makes a T of a value that is another type, or encoded.
func convert[T any](value any) (T, error) {
	var t T
	if value == nil {
		return t, nil
	}
	b, err := encoded(value)
	if err != nil {
		return t, err
	}
	return decode[T](b)
}

// shareMin is the length from which on a byte slice is not copied out of the memory
// that its message came in, which is then at most four times as long.
const shareMin = 16 << 10

// decode makes a T of its encoding, which nobody else has.
func decode[T any](b []byte) (T, error) {
	var t T
	if p, ok := any(&t).(*[]byte); ok && len(b) >= shareMin {
		if content, ok := wire.ParseBytes(b); ok {
			*p = content
			return t, nil
		}
	}
	if wire.ParsePlain(b, &t) {
		return t, nil
	}
	other := new(T) // the library makes what it fills escape; t stays on the stack
	err := wire.Unmarshal(b, other)
	return *other, err
}

// encoded returns the encoding of a value, which may be one already.
func encoded(value any) ([]byte, error) {
	if p, ok := value.(*payload); ok {
		return *p, nil
	}
	return wire.Marshal(value)
}

// isInterface reports whether T is an interface type. A value for it is
// encoded and decoded in any case: what it holds would otherwise depend on
// whether the sender is local.
func isInterface[T any]() bool {
	var zero T
	return any(zero) == nil // of another type it holds the zero value
}

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		c.Close()
	}
}
