// Package flood knocks at a node of package transport with a wrong cookie, or
// holds idle connections to it, from a process of its own, so that its work does
// not slow the caller beside it more than any neighbour would.
//
// Every connection that knocks sends the first message of a true handshake with another
// cookie, recorded once, so that an attempt costs the attacker next to nothing
// and the node as much as it can cost: it looks genuine until its key is tried.
package flood

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/child"
	"github.com/clusterluck/clusterluck/transport"
)

// Flag is the first argument of a flooding process. It is for this program's own
// use.
const Flag = "-flood"

const (
	sources = 64 // addresses that attempts come from, 127.0.0.2 and up
	openMax = 512
	answers = 15 * time.Second
)

// What the flooding process can be told to do.
const (
	doKnock = "knock"
	doHold  = "hold"
	doLook  = "look"
	doEnd   = "end"
)

// An order says what to do and where; without an address, at a listener of the
// flooding process.
type order struct {
	Do    string `json:"do"`
	Addr  string `json:"addr,omitempty"`
	Hello []byte `json:"hello,omitempty"` // what to knock with
	N     int    `json:"n,omitempty"`     // knocks a second, or connections to hold

	Patience time.Duration `json:"patience,omitempty"`
}

// A Count is what became of attempts.
type Count struct {
	Tried    int           `json:"tried"`
	Closed   int           `json:"closed"`   // without a byte, as it must be
	Answered int           `json:"answered"` // with a byte or more
	Open     int           `json:"open"`     // not closed in time
	Failed   int           `json:"failed"`   // could not connect
	Skipped  int           `json:"skipped"`  // not tried, since too many were open
	Held     int           `json:"held"`     // open now, their time not over
	Took     time.Duration `json:"took"`     // from the first knock to the end
}

// Came returns how many attempts came through.
func (c Count) Came() int { return c.Tried - c.Failed }

// Rate returns how many came through in a second.
func (c Count) Rate() float64 { return float64(c.Came()) / c.Took.Seconds() }

// Plus returns the sum of two counts.
func (c Count) Plus(o Count) Count {
	return Count{
		c.Tried + o.Tried, c.Closed + o.Closed, c.Answered + o.Answered, c.Open + o.Open,
		c.Failed + o.Failed, c.Skipped + o.Skipped, c.Held + o.Held, c.Took + o.Took,
	}
}

// Hello records the first message of a node that has a cookie of its own.
func Hello() ([]byte, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	k, err := transport.Start(context.Background(), transport.Config{ID: "stranger", Cookie: transport.NewCookie()})
	if err != nil {
		return nil, err
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(context.Background(), answers)
	defer cancel()
	go k.Connect(ctx, l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return firstMessage(c)
}

// firstMessage reads until nothing more comes: the initiator now waits.
func firstMessage(c net.Conn) ([]byte, error) {
	var hello []byte
	buf := make([]byte, 4096)
	limit := answers
	for {
		if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return nil, err
		}
		n, err := c.Read(buf)
		hello = append(hello, buf[:n]...)
		limit = 200 * time.Millisecond
		if err != nil {
			if len(hello) > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
				return hello, nil
			}
			return nil, fmt.Errorf("no first message: %w", err)
		}
	}
}

// A Flooder is a process that knocks.
type Flooder struct {
	// Patience is how long a connection may stay open before it counts as left
	// open. A node closes within 5 s; Start sets 6 s.
	Patience time.Duration
	child    *child.Child
}

// Start starts the process. It does nothing yet.
func Start() (*Flooder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, err := child.Start(exec.Command(self, Flag))
	if err != nil {
		return nil, err
	}
	return &Flooder{6 * time.Second, c}, nil
}

// Begin begins to knock that often a second. Without an address it knocks at a
// listener of its own that closes every connection: what is slow then is slowed
// by the attempts alone.
func (f *Flooder) Begin(addr string, hello []byte, second int) error {
	_, err := f.give(order{Do: doKnock, Addr: addr, Hello: hello, N: second, Patience: f.Patience})
	return err
}

// Hold begins to open n connections that send nothing, without an address to a
// listener of its own that closes them.
func (f *Flooder) Hold(addr string, n int) error {
	_, err := f.give(order{Do: doHold, Addr: addr, N: n, Patience: f.Patience})
	return err
}

// Look waits until all that are to be held have been opened, and returns what
// became of them so far.
func (f *Flooder) Look() (Count, error) { return f.give(order{Do: doLook}) }

// End stops knocking and returns what became of all attempts since Begin or Hold,
// once the last has been decided.
func (f *Flooder) End() (Count, error) { return f.give(order{Do: doEnd}) }

// Close ends the process.
func (f *Flooder) Close() error { return f.child.Stop() }

func (f *Flooder) give(o order) (c Count, err error) {
	line, err := json.Marshal(o)
	if err != nil {
		return c, err
	}
	answer, err := f.child.Ask(string(line), answers)
	if err == nil {
		err = json.Unmarshal([]byte(answer), &c)
	}
	return c, err
}
