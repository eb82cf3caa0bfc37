package genserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// An Error is how a handler fails a call with a code of its own, and what the
// caller finds with errors.As, here or on another node:
//
//	var ErrEmpty = genserver.NewError("empty", "the queue is empty")
//
// A handler returns ErrEmpty, or an error that wraps it; errors.Is(err,
// ErrEmpty) then holds for the caller. Only code, text and data cross to
// another node, and of the code at most 64 bytes. Errors of package transport
// may be returned too, [transport.ErrDenied] for example; that a handler did so
// is known, and [transport.NotDelivered] says false.
type Error = transport.RemoteError

// A codedError is a sentinel: it has a code, which errors.Is goes by.
type codedError struct{ code, text string }

func (e *codedError) Error() string { return e.text }

// Code returns the code that stands for the error on the wire.
func (e *codedError) Code() string { return e.code }

// Is reports whether target is an [Error] or another error of the same code.
func (e *codedError) Is(target error) bool { return hasCode(target, e.code) }

// hasCode reports whether err itself, not what it wraps, has the code.
func hasCode(err error, code string) bool {
	if e, ok := err.(*Error); ok {
		return code != "" && cut(e.Code) == code
	}
	c, ok := err.(interface{ Code() string })
	return ok && code != "" && c.Code() == code
}

// NewError returns an error that is told from others by its code, on every
// node. Any error with a method Code() string serves as well. Codes that
// package transport uses, such as "timeout", mean what they mean there.
// A code has at most 64 bytes; a longer one is cut, as it would be on its way to
// another node.
func NewError(code, text string) error { return &codedError{cut(code), text} }

// cut shortens a code to what crosses to another node.
func cut(code string) string {
	for len(code) > wire.CodeMax {
		_, n := utf8.DecodeLastRuneInString(code)
		code = code[:len(code)-n]
	}
	return code
}

// Errors of this package. They have codes, as those of package transport, so
// that errors.Is finds them on the far side too.
var (
	// Later is returned by a handler that answers its call afterwards, with
	// [Reply] or [ReplyError].
	Later = NewError("later", "the reply comes later")

	// ErrNested reports that the handler failed because a request failed that it
	// made itself. It hides the error of that request, which would say of the
	// outer call what is true of the inner alone: that no handler saw it, for
	// example.
	ErrNested = NewError("nested", "a request of the handler failed")

	// ErrBadReply reports a reply that cannot be encoded, or not be decoded into
	// what the caller asked for. The handler ran.
	ErrBadReply = NewError("bad-reply", "the reply could not be read")

	// ErrNotCall reports a reply to a cast.
	ErrNotCall = NewError("not-call", "a cast takes no reply")

	// ErrNoCaller reports a reply to a call that nobody waits for any more: it
	// was answered before, it timed out, or its caller gave up or is gone.
	ErrNoCaller = NewError("no-caller", "nobody waits for the reply")

	// ErrGaveUp is why a supervisor ended that had to restart too often.
	ErrGaveUp = NewError("gave-up", "the supervisor gave up")
)

// A RequestError says which request failed, and why.
type RequestError struct {
	Ref, Event string
	Err        error
}

func (e *RequestError) Error() string {
	err := e.Err
	if r, ok := err.(*transport.RequestError); ok {
		err = r.Err // the reference stands here already
	}
	return fmt.Sprintf("genserver: %q of %q: %v", e.Event, e.Ref, err)
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// Is reports whether target is an [Error] with the code of the cause, or the
// error of package context that the cause stands for.
func (e *RequestError) Is(target error) bool {
	want := ""
	switch t, ok := target.(*Error); {
	case ok:
		want = cut(t.Code)
	case target == context.DeadlineExceeded:
		want = "timeout"
	case target == context.Canceled:
		want = "canceled"
	}
	if want == "" {
		return false
	}
	code, _, _ := describe(e.Err)
	return cut(code) == want
}

// A CrashError says that a handler panicked. errors.Is finds
// [transport.ErrCrashed] in it. Only its text leaves the node.
type CrashError struct {
	Server, Event string
	Value         any    // what the handler panicked with; nil if it called runtime.Goexit
	Stack         []byte // of the handler; nil in what a caller gets
}

func (e *CrashError) Error() string {
	where := fmt.Sprintf("server %q crashed", e.Server)
	if e.Event != "" {
		where += fmt.Sprintf(" in its handler of %q", e.Event)
	}
	if e.Value == nil {
		return where + ": it ended its goroutine"
	}
	return fmt.Sprintf("%s: %v", where, e.Value)
}

// Unwrap returns [transport.ErrCrashed].
func (e *CrashError) Unwrap() error { return transport.ErrCrashed }

// withoutStack returns what callers may see.
func (e *CrashError) withoutStack() *CrashError {
	c := *e
	c.Stack = nil
	return &c
}

// plain returns what of an error crosses to another node, and nothing else.
func plain(err error) *Error {
	if e, ok := err.(*Error); ok && e != nil {
		return e
	}
	code, text, data := describe(err)
	return &Error{Code: code, Text: text, Data: data}
}

// describe returns what of an error crosses to another node. An error that
// panics when it is asked, as many do that are nil pointers, has no more than its
// type.
func describe(err error) (code, text string, data []byte) {
	defer func() {
		if v := recover(); v != nil {
			code, text, data = "", ofPanic(err, v), nil
		}
	}()
	var remote *Error
	if errors.As(err, &remote) {
		if err == error(remote) {
			return remote.Code, remote.Text, remote.Data
		}
		return remote.Code, err.Error(), remote.Data
	}
	var c interface{ Code() string }
	switch {
	case errors.As(err, &c):
		code = c.Code()
	case errors.Is(err, context.DeadlineExceeded):
		code = "timeout"
	case errors.Is(err, context.Canceled):
		code = "canceled"
	}
	return code, err.Error(), nil
}

// ofPanic is the text of an error that panics.
func ofPanic(err error, value any) string {
	return fmt.Sprintf("an error %T that panics: %v", err, value)
}

// transportCode reports whether a code says what happened to a request, not
// what its handler thinks.
func transportCode(code string) bool {
	switch code {
	case "no-server", "no-handler", "bad-request", "overload", "dropped", "denied", "too-large", "call-cycle", "timeout",
		"canceled", "crashed", "stopped", "node-down", "not-connected", "unknown-node", "closed":
		return true
	}
	return false
}

// ofHandler returns the error that a caller gets for what a handler returned.
// What became of a request that the handler made says nothing about this one, nor
// does a code that means that no handler saw it.
func ofHandler(err error) (seen error) {
	if err == nil || err == Later {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			seen = &Error{Text: ofPanic(err, v)}
		}
	}()
	var ours *RequestError
	var below *transport.RequestError
	nested := errors.As(err, &ours) || errors.As(err, &below)
	if !nested && !transport.NotDelivered(err) {
		return err
	}
	e := *plain(err)
	switch {
	case nested && transportCode(strings.TrimPrefix(e.Code, transport.CodeOfHandler)):
		return &Error{Code: "nested", Text: err.Error()}
	case nested:
		return err
	case transportCode(e.Code):
		e.Code = transport.CodeOfHandler + e.Code
	}
	return &e
}
