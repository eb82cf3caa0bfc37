package wire

import (
	"errors"
	"fmt"
)

var (
	// ErrFrameTooLarge reports a frame longer than the limit its reader set.
	ErrFrameTooLarge = errors.New("frame too large")

	// ErrMalformed reports bytes that are not what the format says.
	ErrMalformed = errors.New("malformed")

	// ErrLimit reports an element that is longer or greater than its limit.
	ErrLimit = errors.New("over the limit")

	// ErrKind reports a kind that no version may use: 0, one below 32 that
	// version 1 does not assign, or one above 255.
	ErrKind = errors.New("kind not assigned")
)

// A MessageError says where in a message [Parse] found what it refuses.
type MessageError struct {
	Kind   Kind // 0 if it was not read
	Offset int  // bytes of the message before the element
	Err    error
}

func (e *MessageError) Error() string {
	return fmt.Sprintf("wire: %v message, byte %d: %v", e.Kind, e.Offset, e.Err)
}

// Unwrap returns the cause: [ErrMalformed], [ErrLimit], [ErrKind] or
// [ErrFrameTooLarge].
func (e *MessageError) Unwrap() error { return e.Err }
