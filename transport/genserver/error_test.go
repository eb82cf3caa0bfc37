package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

var errEmpty = genserver.NewError("empty", "the queue is empty")

// An ownError has a code without knowing this package.
type ownError struct{ left int }

func (e *ownError) Error() string { return fmt.Sprintf("%d are left", e.left) }
func (e *ownError) Code() string  { return "own" }

func TestErrorsAreFoundByTheirCode(t *testing.T) {
	long := strings.Repeat("long-", 20)
	everywhereAndTCP(t, func(p *place) {
		fails := map[string]error{
			"sentinel": errEmpty,
			"wrapped":  fmt.Errorf("order 7: %w", errEmpty),
			"deep":     fmt.Errorf("deep: %w", &genserver.Error{Code: "empty", Text: "nothing", Data: []byte{1, 2}}),
			"struct":   &genserver.Error{Code: "empty", Text: "nothing", Data: []byte{1, 2}},
			"own":      &ownError{3},
			"plain":    errors.New("just text"),
			"denied":   transport.ErrDenied,
			"wordy":    fmt.Errorf("the printer: %w", transport.ErrOverload),
			"long":     genserver.NewError(long, "a long code"),
		}
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			for event, err := range fails {
				genserver.Handle(s, event, func(context.Context, genserver.From, any) (int, error) { return 7, err })
			}
			return nil
		})
		wants := map[string][]error{
			"sentinel": {errEmpty, genserver.NewError("empty", "spelled anew"), &genserver.Error{Code: "empty"}},
			"wrapped":  {errEmpty, &genserver.Error{Code: "empty"}},
			"deep":     {errEmpty, &genserver.Error{Code: "empty"}},
			"struct":   {errEmpty, &genserver.Error{Code: "empty"}},
			"own":      {&genserver.Error{Code: "own"}},
			"denied":   {transport.ErrDenied, &genserver.Error{Code: "denied"}, genserver.NewError("denied", "")},
			"wordy":    {transport.ErrOverload},
			"long":     {genserver.NewError(long, ""), &genserver.Error{Code: long}},
		}
		for event, cause := range fails {
			n, err := call[int](p, "srv", event, nil)
			if err == nil || n != 0 || !strings.Contains(err.Error(), strings.TrimSuffix(cause.Error(), " (empty)")) {
				p.t.Errorf("%s: replied %d, %v", event, n, err)
			}
			for _, target := range wants[event] {
				want(p.t, err, target)
			}
			if transport.NotDelivered(err) {
				p.t.Errorf("%s: %v, though the handler ran", event, err)
			}
			for _, target := range []error{genserver.NewError("full", ""), genserver.NewError("", ""), &genserver.Error{}, transport.ErrTimeout} {
				if errors.Is(err, target) {
					p.t.Errorf("%s: %v is taken for %v", event, err, target)
				}
			}
		}
		for _, event := range []string{"struct", "deep"} {
			_, err := call[int](p, "srv", event, nil)
			var e *genserver.Error
			if !errors.As(err, &e) || e.Code != "empty" || !strings.Contains(e.Text, "nothing") || string(e.Data) != "\x01\x02" {
				p.t.Errorf("%s: the error arrives as %+v", event, e)
			}
		}
	})
}

// What became of a request that a handler made must not be said of the call to
// the handler: a caller would believe that its own was never handled, and send it
// again.
func TestErrorsOfNestedRequestsAreNotTheCallers(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		p.start("front", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "ask", func(ctx context.Context, _ genserver.From, ref string) (int, error) {
				return genserver.Call[int](ctx, p.there, ref, "x", nil)
			})
			return nil
		})
		p.start("back", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "x", func(context.Context, genserver.From, any) (int, error) { return 0, errEmpty })
			return nil
		})
		for _, ref := range []string{"nobody", "x@nowhere"} {
			_, err := call[int](p, "front", "ask", ref)
			want(p.t, err, genserver.ErrNested)
			if transport.NotDelivered(err) || errors.Is(err, transport.ErrNoServer) || errors.Is(err, transport.ErrUnknownNode) {
				p.t.Errorf("%v is taken for an error of the outer call", err)
			}
			if !strings.Contains(err.Error(), ref) {
				p.t.Errorf("%v does not tell what failed", err)
			}
		}
		_, err := call[int](p, "front", "ask", "back") // a code that says nothing of requests
		want(p.t, err, errEmpty)
	})
}

func TestContextErrorsOfHandlersHaveCodes(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "late", func(context.Context, genserver.From, any) (int, error) {
				return 0, fmt.Errorf("database: %w", context.DeadlineExceeded)
			})
			genserver.Handle(s, "gone", func(context.Context, genserver.From, any) (int, error) { return 0, context.Canceled })
			return nil
		})
		_, err := call[int](p, "srv", "late", nil)
		want(p.t, err, context.DeadlineExceeded)
		_, err = call[int](p, "srv", "gone", nil)
		want(p.t, err, context.Canceled)
	})
}

// A request that its handler cannot read was delivered if the handler says so, and
// not if nobody asked it.
func TestWhoRefusesIsKnown(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "typed", func(context.Context, genserver.From, int) (int, error) { return 0, nil })
			s.HandleAny(func(_ context.Context, _ genserver.From, _ string, req genserver.Payload) (any, error) {
				var n int
				return n, req.Decode(&n)
			})
			return nil
		})
		for event, undone := range map[string]bool{"typed": true, "any": false} {
			_, err := call[int](p, "srv", event, "text")
			want(p.t, err, transport.ErrBadRequest)
			if transport.NotDelivered(err) != undone {
				p.t.Errorf("%s: %v, NotDelivered says %v", event, err, !undone)
			}
		}
	})
}

// A failure that is a nil pointer, as a function that declares one and returns it
// as an error makes it.
type failure struct{ text string }

func (f *failure) Error() string { return f.text }

// A hostile error panics whatever it is asked.
type hostile struct{}

func (hostile) Error() string { panic("no text") }
func (hostile) Code() string  { panic("no code") }
func (hostile) Unwrap() error { panic("no cause") }
func (hostile) Is(error) bool { panic("no kind") }
func (hostile) As(any) bool   { panic("no type") }

// What an error says is code of its author's, which may panic.
func TestErrorsThatPanicFailTheCall(t *testing.T) {
	for name, bad := range map[string]error{"nil pointer": (*failure)(nil), "hostile": hostile{}} {
		everywhere(t, func(p *place) {
			p.start("srv", func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "handler", func(context.Context, genserver.From, any) (int, error) { return 0, bad })
				genserver.Handle(s, "async", func(ctx context.Context, from genserver.From, _ any) (int, error) {
					return genserver.Async(ctx, from, func(context.Context) (int, error) { return 0, bad })
				})
				genserver.Handle(s, "later", func(_ context.Context, from genserver.From, _ any) (int, error) {
					time.AfterFunc(time.Millisecond, func() { from.ReplyError(bad) })
					return 0, genserver.Later
				})
				return hello(context.Background(), s)
			})
			for _, event := range []string{"handler", "async", "later"} {
				begin := time.Now()
				if _, err := call[int](p, "srv", event, nil); err == nil {
					p.t.Errorf("%s: %s replied", name, event)
				}
				if d := time.Since(begin); d > time.Second {
					p.t.Errorf("%s: %s took %v", name, event, d)
				}
			}
			if got, err := call[string](p, "srv", "hello", nil); got != "world" || err != nil {
				p.t.Errorf("%s: after that hello is answered by %q, %v", name, got, err)
			}
		})
	}
}
