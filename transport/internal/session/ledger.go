package session

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// A Reason is a word for why a handshake failed, to count by.
type Reason string

// The reasons.
const (
	ReasonAuth      Reason = "auth"      // no accepted cookie verifies it
	ReasonVersion   Reason = "version"   // no version in common
	ReasonMalformed Reason = "malformed" // no handshake at all
	ReasonTLS       Reason = "tls"
	ReasonSelf      Reason = "self" // this very node
	ReasonWrongNode Reason = "wrong node"
	ReasonStatus    Reason = "not admitted"
	ReasonTimeout   Reason = "timeout"
	ReasonRefused   Reason = "refused" // the peer closed without a byte
	ReasonClosed    Reason = "closed"  // the connection ended in between
	ReasonOther     Reason = "other"
)

// ReasonOf returns the reason of an error of [Initiate] or [Respond].
func ReasonOf(err error) Reason {
	var status *StatusError
	var op *net.OpError
	switch {
	case errors.Is(err, ErrAuth), errors.Is(err, ErrRecord):
		return ReasonAuth
	case errors.Is(err, ErrVersion):
		return ReasonVersion
	case errors.Is(err, ErrMalformed):
		return ReasonMalformed
	case errors.Is(err, ErrSelf):
		return ReasonSelf
	case errors.Is(err, ErrWrongNode):
		return ReasonWrongNode
	case errors.As(err, &status):
		return ReasonStatus
	case errors.Is(err, ErrRefused):
		return ReasonRefused
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return ReasonTimeout
	case errors.Is(err, ErrTLS):
		return ReasonTLS
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe), errors.As(err, &op):
		return ReasonClosed
	}
	return ReasonOther
}

// isStranger reports whether who failed for this reason may not know the cookie.
// Those who do are refused for reasons that no guessing helps against, and that
// honest nodes meet when they dial each other.
func (r Reason) isStranger() bool {
	return r != ReasonStatus && r != ReasonSelf && r != ReasonWrongNode
}

const (
	logEvery    = time.Minute // a log line for each address
	accountsMax = 8192        // addresses remembered in each half of a ledger
)

// A ledger holds the tokens of addresses whose handshakes failed. An address
// that it does not know has all of its tokens.
//
// It forgets by halves: what was not asked for during a whole turn, a minute by
// default, has its tokens back by then. It remembers a bounded number of addresses: who
// commands more than that has a fresh one for each failure anyway, and is bound
// by the limits for all addresses together.
type ledger struct {
	rate, burst float64
	young, old  map[string]*account
	turned      time.Time
}

type account struct {
	tokens   float64
	at       time.Time // when tokens was right
	failures int       // since the last log line
	logged   time.Time
}

// allows reports whether an address has a token.
func (l *ledger) allows(from string, now time.Time) bool {
	a := l.find(from, now)
	if a == nil {
		return true
	}
	l.refill(a, now)
	return a.tokens >= 1
}

// fail takes a token of an address. It returns how many failures a log line
// should now report, or 0 if one was logged less than a minute ago.
func (l *ledger) fail(from string, now time.Time) int {
	a := l.find(from, now)
	if a == nil {
		if len(l.young) >= accountsMax {
			return 0
		}
		a = &account{tokens: l.burst, at: now}
		l.young[from] = a
	}
	l.refill(a, now)
	a.tokens = max(0, a.tokens-1)
	a.failures++
	if !a.logged.IsZero() && now.Sub(a.logged) < logEvery {
		return 0
	}
	n := a.failures
	a.failures, a.logged = 0, now
	return n
}

func (l *ledger) refill(a *account, now time.Time) {
	a.tokens = min(l.burst, a.tokens+l.rate*now.Sub(a.at).Seconds())
	a.at = now
}

// find returns the account of an address, or nil, and forgets old accounts.
func (l *ledger) find(from string, now time.Time) *account {
	refilled := time.Duration(l.burst / l.rate * float64(time.Second))
	if l.young == nil || now.Sub(l.turned) >= max(logEvery, refilled) {
		l.old, l.young, l.turned = l.young, make(map[string]*account), now
	}
	a := l.young[from]
	if a == nil && l.old[from] != nil && len(l.young) < accountsMax {
		a = l.old[from]
		l.young[from] = a
		delete(l.old, from)
	}
	return a
}
