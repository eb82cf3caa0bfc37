package keys

import (
	"errors"
	"fmt"
)

// ErrNoKeys reports input that holds no key at all.
var ErrNoKeys = errors.New("no keys")

// ErrTooLarge reports input that is more than [Limits] allow.
var ErrTooLarge = errors.New("too large")

// A SpecError reports a key spec or a format that cannot be used. The user must
// change it; no input was read.
type SpecError struct {
	What string // what was being parsed: "keys", "format", "time field"
	Spec string // as the user wrote it
	Err  error
}

func (e *SpecError) Error() string { return fmt.Sprintf("%s %q: %v", e.What, e.Spec, e.Err) }

// Unwrap returns the cause.
func (e *SpecError) Unwrap() error { return e.Err }

// An InputError reports input that cannot be read to its end or holds nothing
// of use.
type InputError struct {
	Source string // the file, as the user named it
	Line   int64  // the line where it failed; 0 if no line is to blame
	Err    error
}

func (e *InputError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.Source, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Source, e.Err)
}

// Unwrap returns the cause, such as [ErrNoKeys].
func (e *InputError) Unwrap() error { return e.Err }
