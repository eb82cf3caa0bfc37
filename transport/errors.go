package transport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// A coded error has a code that crosses the wire, so that errors.Is finds the
// same sentinel on the far side.
type coded struct {
	code, text string
	undone     bool // the request certainly reached no handler
}

func (e *coded) Error() string { return e.text }

// Is lets errors.Is find what package context calls the same.
func (e *coded) Is(target error) bool {
	return target == context.DeadlineExceeded && e == ErrTimeout || target == context.Canceled && e == ErrCanceled
}

// Code returns the code that stands for the error on the wire.
func (e *coded) Code() string { return e.code }

// Errors that a request may end with, wherever they arose.
var (
	// ErrNoServer reports that nobody serves the name on that node.
	ErrNoServer error = &coded{"no-server", "no server of that name", true}
	// ErrNoHandler reports that the server has no handler for the event.
	ErrNoHandler error = &coded{"no-handler", "the server does not handle that event", true}
	// ErrBadRequest reports a request that the handler could not read.
	ErrBadRequest error = &coded{"bad-request", "the request could not be read", true}
	// ErrOverload reports that the server's mailbox was full.
	ErrOverload error = &coded{"overload", "the server has too much to do", true}
	// ErrDropped reports a request that made room for others before a handler saw it.
	ErrDropped error = &coded{"dropped", "dropped to make room", true}
	// ErrDenied reports that the role of the caller may not do this.
	ErrDenied error = &coded{"denied", "the caller's role does not allow this", true}
	// ErrTooLarge reports a body over a limit: that of a request, or that of an
	// answer, whose handler ran.
	ErrTooLarge error = &coded{"too-large", "larger than the limit", false}
	// ErrCallCycle reports a call to a server that waits, directly or through
	// others, for the caller.
	ErrCallCycle error = &coded{"call-cycle", "the server waits for this very call", true}
	// ErrTimeout reports a call whose deadline passed. Its handler may have run,
	// and may still run.
	// It is also a context.DeadlineExceeded.
	ErrTimeout error = &coded{"timeout", "no answer in time", false}
	// ErrCanceled reports a call that its caller gave up.
	// It is also a context.Canceled.
	ErrCanceled error = &coded{"canceled", "the caller gave up", false}
	// ErrCrashed reports that the handler panicked.
	ErrCrashed error = &coded{"crashed", "the server crashed", false}
	// ErrStopped reports that the server stopped before it answered.
	ErrStopped error = &coded{"stopped", "the server stopped", false}
	// ErrNodeDown reports that the connection to the node broke before the
	// answer came. The request may have been handled.
	ErrNodeDown error = &coded{"node-down", "the connection to the node broke", false}
	// ErrNotConnected reports that there is no connection to the node and none
	// could be made now.
	ErrNotConnected error = &coded{"not-connected", "not connected to the node", true}
	// ErrUnknownNode reports a node whose address is not known.
	ErrUnknownNode error = &coded{"unknown-node", "no address is known for the node", true}
	// ErrClosed reports that this kernel is closed.
	ErrClosed error = &coded{"closed", "the kernel is closed", true}
)

// Errors of the kernel's own methods.
var (
	// ErrNameTaken reports that the node serves the name already.
	ErrNameTaken = errors.New("name is taken")
	// ErrName reports a name that cannot be used.
	ErrName = errors.New("bad name")
	// ErrConfig reports a Config that cannot be used.
	ErrConfig = errors.New("bad configuration")
)

// sentinels are the errors that have a code.
func sentinels() []error {
	return []error{
		ErrNoServer, ErrNoHandler, ErrBadRequest, ErrOverload, ErrDropped, ErrDenied, ErrTooLarge, ErrCallCycle, ErrTimeout,
		ErrCanceled, ErrCrashed, ErrStopped, ErrNodeDown, ErrNotConnected, ErrUnknownNode, ErrClosed,
	}
}

// A RemoteError is what a server on another node answered in place of a
// reply. errors.Is finds the error of this package, or of any other, that has
// the same code.
type RemoteError struct {
	Code string // such as "no-server"; a server may use codes of its own
	Text string // for people
	Data []byte // what the server added, in the form that server and caller agreed on
}

func (e *RemoteError) Error() string {
	switch {
	case e.Text == "":
		return e.Code
	case e.Code == "":
		return e.Text
	}
	return e.Text + " (" + e.Code + ")"
}

// CodeOfHandler stands before a code of this package in a [RemoteError] if it
// was a handler that gave the code. errors.Is finds what it finds by the code
// alone, and [NotDelivered] says false.
const CodeOfHandler = "handler:"

// Is reports whether target has the code of e, or is a RemoteError of that code.
func (e *RemoteError) Is(target error) bool {
	want := ""
	switch t := target.(type) {
	case *RemoteError:
		if t != nil {
			want = t.Code
		}
	case interface{ Code() string }:
		want = t.Code()
	}
	want = cut(want, wire.CodeMax) // as those that crossed the wire are
	code := cut(e.Code, wire.CodeMax)
	return want != "" && (want == code || want == strings.TrimPrefix(code, CodeOfHandler))
}

// A RequestError says which request failed, why, and whether it can have
// reached a handler.
type RequestError struct {
	Node, Server string
	Err          error
	Sent         bool // it may have been sent to the node
}

func (e *RequestError) Error() string {
	return fmt.Sprintf("transport: %s: %v", address(e.Server, e.Node), e.Err)
}

// Unwrap returns the cause, such as [ErrNodeDown] or a [RemoteError].
func (e *RequestError) Unwrap() error { return e.Err }

// address writes a server of a node as people read it.
func address(server, node string) string {
	if server == "" {
		return "node " + strconv.Quote(node)
	}
	return strconv.Quote(server + "@" + node)
}

// NotDelivered reports whether a request that ended with err certainly reached
// no handler, so that it may be sent again, or elsewhere, without being done
// twice.
func NotDelivered(err error) bool {
	if err == nil {
		return false
	}
	var remote *RemoteError
	if errors.As(err, &remote) && strings.HasPrefix(remote.Code, CodeOfHandler) {
		return false
	}
	var request *RequestError
	if errors.As(err, &request) && !request.Sent {
		return true
	}
	for _, s := range sentinels() {
		if s.(*coded).undone && errors.Is(err, s) {
			return true
		}
	}
	return false
}
