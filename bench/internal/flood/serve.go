package flood

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// attempts is what the flooding process does at a time.
type attempts interface {
	opened() // waits until no more are begun, unless they go on for ever
	end()    // waits until all have been decided
	count() Count
}

// Serve is the flooding process: it carries out orders until they end.
func Serve(in io.Reader, out io.Writer) error {
	orders, say := json.NewDecoder(in), json.NewEncoder(out)
	var now attempts
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var c Count
		switch {
		case o.Do == doKnock || o.Do == doHold:
			var err error
			if now, err = begin(o); err != nil {
				return err
			}
		case now == nil:
			return fmt.Errorf("flood: order %q before any work", o.Do)
		case o.Do == doLook:
			now.opened()
			c = now.count()
		default:
			now.end()
			c = now.count()
		}
		if err := say.Encode(c); err != nil {
			return err
		}
	}
}

// begin begins what is ordered.
func begin(o order) (attempts, error) {
	t := tries{patience: o.Patience}
	if o.Addr == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		t.own, o.Addr = l, l.Addr().String()
		go closeAll(l, len(o.Hello) > 0)
	}
	if o.Do == doHold {
		return hold(o, &t), nil
	}
	f := &knocking{order: o, tries: &t, start: time.Now(), stop: make(chan struct{}), open: make(chan struct{}, openMax)}
	f.running.Go(f.pace)
	return f, nil
}

// closeAll closes every connection, after it has read what it sends first if it
// sends anything.
func closeAll(l net.Listener, sends bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			if sends {
				_, _ = c.Read(make([]byte, 512))
			}
			c.Close()
		}()
	}
}

// tries counts what becomes of attempts.
type tries struct {
	patience time.Duration // for a connection to be closed
	own      net.Listener  // nil if there is an address

	tried, closed, answered, left, failed, held, skipped atomic.Int64
}

// over ends what the listener of this process is for.
func (t *tries) over() {
	if t.own != nil {
		t.own.Close()
	}
}

// dial connects from one of the sources.
func (t *tries) dial(n int, addr string) (net.Conn, bool) {
	t.tried.Add(1)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+n%sources))}, Timeout: t.patience}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.failed.Add(1)
		return nil, false
	}
	t.held.Add(1)
	_ = c.SetDeadline(time.Now().Add(t.patience))
	return c, true
}

// decide waits for what the other side does with a connection.
func (t *tries) decide(c net.Conn, late bool) {
	n, err := c.Read(make([]byte, 64))
	t.held.Add(-1)
	switch {
	case n > 0:
		t.answered.Add(1)
	case late || errors.Is(err, os.ErrDeadlineExceeded):
		t.left.Add(1)
	default:
		t.closed.Add(1)
	}
	c.Close()
}

func (t *tries) count() Count {
	return Count{
		Tried: int(t.tried.Load()), Closed: int(t.closed.Load()), Answered: int(t.answered.Load()),
		Open: int(t.left.Load()), Failed: int(t.failed.Load()), Held: int(t.held.Load()), Skipped: int(t.skipped.Load()),
	}
}

// knocking is attempts with a wrong cookie.
type knocking struct {
	order
	*tries
	start   time.Time
	stop    chan struct{}
	running sync.WaitGroup
	open    chan struct{} // has room for as many as may be open
	took    time.Duration
}

// pace starts one attempt at once, and every millisecond what is due.
func (f *knocking) pace() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	n := 0
	for due := 1; ; {
		for ; n < due; n++ {
			source := n
			select {
			case f.open <- struct{}{}:
				f.running.Go(func() { f.attempt(source) })
			default: // all are open
				f.skipped.Add(1)
			}
		}
		select {
		case <-f.stop:
			return
		case now := <-tick.C:
			due = int(now.Sub(f.start).Seconds() * float64(f.N))
		}
	}
}

// attempt knocks once.
func (f *knocking) attempt(n int) {
	defer func() { <-f.open }()
	if c, ok := f.dial(n, f.Addr); ok {
		_, err := c.Write(f.Hello)
		f.decide(c, errors.Is(err, os.ErrDeadlineExceeded))
	}
}

func (f *knocking) opened() {}

func (f *knocking) end() {
	f.took = time.Since(f.start)
	close(f.stop)
	f.running.Wait()
	f.over()
}

func (f *knocking) count() Count {
	c := f.tries.count()
	c.Took = f.took
	return c
}

// holding is connections that send nothing.
type holding struct {
	*tries
	opening, running sync.WaitGroup
}

const (
	openers = 4               // goroutines that open connections
	openFor = 5 * time.Second // what is not open by then is not opened
)

// hold begins to open n connections. Go itself raises the limit of open files to
// the highest that the system allows; what is beyond cannot be connected.
func hold(o order, t *tries) *holding {
	h, start := &holding{tries: t}, time.Now()
	for opener := range openers {
		h.opening.Go(func() {
			for i := opener; i < o.N && time.Since(start) < openFor; i += openers {
				if c, ok := h.dial(i, o.Addr); ok {
					h.running.Go(func() { h.decide(c, false) })
				}
			}
		})
	}
	return h
}

func (h *holding) opened() { h.opening.Wait() }

func (h *holding) end() {
	h.opening.Wait()
	h.running.Wait()
	h.over()
}
