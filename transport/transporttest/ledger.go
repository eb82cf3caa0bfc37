package transporttest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/clusterluck/clusterluck/transport"
)

// A ledger is what a program expects of the transport.
type ledger struct {
	servers map[string]*service // by "node/server"

	mu    sync.Mutex
	casts map[route]*castCount
	calls map[uint64]*callFate
}

// A castCount is what became of the casts of a route, as their sender knows it.
type castCount struct {
	sent    int // asked of the kernel
	refused int // of these, what the kernel refused without an event
	partly  int // of these, what it refused after it may have sent it to another server
}

// A callFate is what became of a call.
type callFate struct {
	r       route
	runs    int // of its handler
	ends    int
	reply   []byte
	err     error
	replied bool
}

func newLedger() *ledger {
	return &ledger{servers: map[string]*service{}, casts: map[route]*castCount{}, calls: map[uint64]*callFate{}}
}

// cast notes a cast and what the kernel said.
func (l *ledger) cast(r route, several, noQueue bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.casts[r]
	if c == nil {
		c = &castCount{}
		l.casts[r] = c
	}
	c.sent++
	switch {
	case err == nil, noQueue && errors.Is(err, transport.ErrNotConnected): // which has an event
	case several:
		c.partly++
	default:
		c.refused++
	}
}

// newCall returns the number of a new call.
func (l *ledger) newCall(r route, i int) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := uint64(crc32.ChecksumIEEE(fmt.Append(nil, r)))<<32 | uint64(i)
	l.calls[id] = &callFate{r: r}
	return id
}

func (l *ledger) handled(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.calls[id]; c != nil {
		c.runs++
	}
}

func (l *ledger) ended(id uint64, reply []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.calls[id]
	c.ends++
	c.reply, c.err, c.replied = reply, err, err == nil
}

// check compares what happened with what may happen.
func (p *program) check() {
	l := p.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, c := range l.calls {
		p.checkCall(id, c)
	}
	arrived := map[route][]uint64{}
	for _, to := range nodeNames() {
		for _, server := range serverNames() {
			for _, d := range l.servers[to+"/"+server].messages() {
				i, err := unstamp(d.Body)
				if err != nil {
					p.Errorf("a message from %s to %s@%s: %v", d.From, server, to, err)
				}
				if d.Call.IsZero() {
					r := route{d.From, to, server, d.Urgent}
					arrived[r] = append(arrived[r], i)
				}
			}
		}
	}
	for r, got := range arrived {
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				p.Errorf("%v: cast %d arrives after cast %d", r, got[i], got[i-1])
			}
		}
	}
	p.each(func(from, to string) {
		for _, server := range serverNames() {
			p.checkLosses(from, to, server, arrived)
		}
	})
}

// checkCall checks one call.
func (p *program) checkCall(id uint64, c *callFate) {
	switch {
	case c.ends != 1:
		p.Errorf("call %x by %v ended %d times", id, c.r, c.ends)
	case c.runs > 1:
		p.Errorf("call %x by %v was handled %d times", id, c.r, c.runs)
	case c.replied && c.runs == 0:
		p.Errorf("call %x by %v was answered and never handled", id, c.r)
	case c.replied:
		if back, err := unstamp(c.reply); err != nil || back != id {
			p.Errorf("call %x by %v was answered with %x: %v", id, c.r, back, err)
		}
	case transport.NotDelivered(c.err) && c.runs > 0:
		p.Errorf("call %x by %v was handled, and its error says that it was not: %v", id, c.r, c.err)
	case errors.As(c.err, new(*transport.RemoteError)) && c.runs == 0:
		p.Errorf("call %x by %v failed remotely and was never handled: %v", id, c.r, c.err)
	}
}

// checkLosses compares what one node sent to a server with what arrived and
// with what it was told.
func (p *program) checkLosses(from, to, server string, arrived map[route][]uint64) {
	lost, refused, partly := 0, 0, 0
	for _, urgent := range []bool{false, true} {
		r := route{from, to, server, urgent}
		if c := p.ledger.casts[r]; c != nil {
			lost += c.sent - len(arrived[r])
			refused += c.refused
			partly += c.partly
		}
	}
	dropped, unconfirmed := 0, 0
	n := p.nodes[from]
	for _, kind := range []transport.EventKind{transport.Dropped, transport.Unconfirmed} {
		for _, e := range n.seen(kind) {
			switch {
			case e.Node != to || e.Server != server:
			case kind == transport.Dropped:
				dropped += int(e.Count)
			default:
				unconfirmed += int(e.Count)
			}
		}
	}
	if lost > dropped+unconfirmed+refused+partly {
		p.Errorf("%s lost %d casts to %s@%s, and was told of %d dropped, %d unconfirmed and %d refused",
			from, lost, server, to, dropped, unconfirmed, refused+partly)
	}
	if lost < dropped+refused {
		p.Errorf("%s was told that %d casts to %s@%s were dropped and %d refused, but only %d are lost",
			from, dropped, server, to, refused, lost)
	}
}

// bodyMin is the length of the shortest stamped body.
const bodyMin = 12

// stamped returns a body that carries a number and a checksum.
func stamped(i uint64, size int) []byte {
	body := binary.BigEndian.AppendUint64(make([]byte, 4, max(size, bodyMin)), i)
	body = append(body, bytes.Repeat([]byte{byte(i)}, cap(body)-len(body))...)
	binary.BigEndian.PutUint32(body, crc32.ChecksumIEEE(body[4:]))
	return body
}

// unstamp returns the number of a stamped body.
func unstamp(body []byte) (uint64, error) {
	if len(body) < bodyMin || binary.BigEndian.Uint32(body) != crc32.ChecksumIEEE(body[4:]) {
		return 0, fmt.Errorf("a body of %d bytes is not what was sent", len(body))
	}
	return binary.BigEndian.Uint64(body[4:]), nil
}
