package system

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// replyMax is how long a system with deadlines waits for a reply. It is far
// above any latency, since a call that times out ends the measurement.
const replyMax = 3 * time.Second

// localBody is what local calls and casts carry.
func localBody() []byte { return bytes.Repeat([]byte{'x'}, 64) }

// same returns an error unless the reply is the request.
func same(rep, req []byte) error {
	if !bytes.Equal(rep, req) {
		return fmt.Errorf("the reply has %d bytes and differs from the request of %d", len(rep), len(req))
	}
	return nil
}

var errLocalCasts = errors.New("local casts were lost: none was handled for 3 s")

// A tally counts local casts down and says when the last was handled. Only one
// goroutine handles at a time, after whoever sent, so that a plain counter does.
type tally struct {
	left int
	done chan struct{}
}

func newTally() *tally { return &tally{done: make(chan struct{}, 1)} }

// expect begins a count of n. Call it before the first cast is sent.
func (t *tally) expect(n int) { t.left = n }

// take counts one cast.
func (t *tally) take() {
	if t.left--; t.left == 0 {
		t.done <- struct{}{}
	}
}

// wait returns when all have been handled.
func (t *tally) wait() error {
	select {
	case <-t.done:
		return nil
	case <-time.After(replyMax):
		return errLocalCasts
	}
}
