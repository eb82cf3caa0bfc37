// Package flood knocks at a node of package transport with a wrong cookie, from
// a process of its own, so that its work does not slow the caller beside it more
// than any neighbour would.
//
// Every connection sends the first message of a true handshake with another
// cookie, recorded once, so that an attempt costs the attacker next to nothing
// and the node as much as it can cost: it looks genuine until its key is tried.
package flood

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/child"
	"github.com/clusterluck/clusterluck/transport"
)

// Flag is the first argument of a flooding process. It is for this program's own
// use.
const Flag = "-flood"

const (
	sources  = 64 // addresses that attempts come from, 127.0.0.2 and up
	openMax  = 512
	patience = 6 * time.Second // for a connection to be closed; a node closes within 5 s
	answers  = 10 * time.Second
)

// An order says where to knock, with what and how often; without an address, at a
// listener of the flooding process. An order of 0 attempts a second stops the
// flood.
type order struct {
	Addr   string `json:"addr"`
	Hello  []byte `json:"hello"`
	Second int    `json:"second"`
}

// A Count is what became of attempts.
type Count struct {
	Tried    int `json:"tried"`
	Closed   int `json:"closed"`   // without a byte, as it must be
	Answered int `json:"answered"` // with a byte or more
	Open     int `json:"open"`     // not closed in time
	Failed   int `json:"failed"`   // could not connect
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
type Flooder struct{ child *child.Child }

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
	return &Flooder{c}, nil
}

// Begin begins to knock that often a second. Without an address it knocks at a
// listener of its own that closes every connection: what is slow then is slowed
// by the attempts alone.
func (f *Flooder) Begin(addr string, hello []byte, second int) error {
	_, err := f.give(order{addr, hello, second})
	return err
}

// End stops knocking and returns what became of all attempts since Begin, once
// the last has been decided.
func (f *Flooder) End() (Count, error) { return f.give(order{}) }

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

// Serve is the flooding process: it carries out orders until they end.
func Serve(in io.Reader, out io.Writer) error {
	orders, say := json.NewDecoder(in), json.NewEncoder(out)
	var running *flood
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var c Count
		if running != nil {
			c = running.end()
			running = nil
		}
		if o.Second > 0 {
			var err error
			if running, err = begin(o); err != nil {
				return err
			}
		}
		if err := say.Encode(c); err != nil {
			return err
		}
	}
}

// flood is attempts that are being made.
type flood struct {
	order
	stop     chan struct{}
	own      net.Listener // nil if there is an address
	attempts sync.WaitGroup
	open     chan struct{} // has room for as many as may be open

	tried, closed, answered, left, failed atomic.Int64
}

func begin(o order) (*flood, error) {
	f := &flood{order: o, stop: make(chan struct{}), open: make(chan struct{}, openMax)}
	if o.Addr == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		f.own, f.Addr = l, l.Addr().String()
		go closeAll(l)
	}
	f.attempts.Go(f.pace)
	return f, nil
}

// closeAll reads what a connection sends first and closes it.
func closeAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = c.Read(make([]byte, 512))
			c.Close()
		}()
	}
}

// pace starts one attempt at once, and every millisecond what is due.
func (f *flood) pace() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	start, n := time.Now(), 0
	for due := 1; ; {
		for ; n < due; n++ {
			select {
			case f.open <- struct{}{}:
				from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%sources))}
				f.attempts.Go(func() { f.knock(from) })
			default: // all are open; what could not be started is left out
			}
		}
		select {
		case <-f.stop:
			return
		case now := <-tick.C:
			due = int(now.Sub(start).Seconds() * float64(f.Second))
		}
	}
}

// knock makes one attempt.
func (f *flood) knock(from net.Addr) {
	defer func() { <-f.open }()
	f.tried.Add(1)
	d := net.Dialer{LocalAddr: from, Timeout: patience}
	c, err := d.Dial("tcp", f.Addr)
	if err != nil {
		f.failed.Add(1)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, werr := c.Write(f.Hello)
	n, err := c.Read(make([]byte, 64))
	switch {
	case n > 0:
		f.answered.Add(1)
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(werr, os.ErrDeadlineExceeded):
		f.left.Add(1)
	default:
		f.closed.Add(1)
	}
}

func (f *flood) end() Count {
	close(f.stop)
	f.attempts.Wait()
	if f.own != nil {
		f.own.Close()
	}
	return Count{
		Tried: int(f.tried.Load()), Closed: int(f.closed.Load()), Answered: int(f.answered.Load()),
		Open: int(f.left.Load()), Failed: int(f.failed.Load()),
	}
}
