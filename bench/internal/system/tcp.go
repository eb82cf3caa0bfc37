package system

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
)

// The frame of the raw systems: u32 length of the body, u64 id, body. The id 0
// is a cast; any other is echoed.
const (
	rawHeader = 12
	rawChunk  = 64 << 10 // a writer with as much writes, a reader reads as much
)

// pingPong is one call at a time, written and read by the caller itself: what
// loopback and the system calls cost.
func pingPong() System {
	return System{
		Name: "tcp ping-pong", Kind: Floor, CallsMax: 1,
		Note:  "bytes on a socket, written and read by the caller",
		Serve: serveRaw,
		Dial: func(addr string) (Client, error) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return nil, err
			}
			return &pinger{Conn: c, r: bufio.NewReaderSize(c, rawChunk)}, nil
		},
	}
}

// multiplexed is any number of calls over one connection: what every system that
// shares a connection must do at least.
func multiplexed() System {
	return System{
		Name: "tcp multiplexed", Kind: Floor,
		Note:  "ids on a socket, a slot for each call, a goroutine that reads; who finds nobody writing writes for all",
		Serve: serveRaw,
		Dial:  func(addr string) (Client, error) { return dialRaw(addr) },
	}
}

func serveRaw(sink *Sink) (*Server, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				echoRaw(c, sink)
			}()
		}
	}()
	return &Server{Addr: l.Addr().String(), Close: func() { l.Close() }}, nil
}

// echoRaw answers until the connection breaks. It writes when the requests that
// have arrived are used up, or when there is a chunk to write.
func echoRaw(c net.Conn, sink *Sink) {
	r := bufio.NewReaderSize(c, rawChunk)
	var body, out []byte
	for {
		id, size, err := rawHead(r)
		if err != nil {
			return
		}
		body = slices.Grow(body[:0], size)[:size]
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		if id == 0 {
			sink.Take(body)
		} else {
			out = appendRaw(out, id, body)
		}
		if r.Buffered() >= rawHeader && len(out) < rawChunk {
			continue
		}
		if _, err := c.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}

func rawHead(r *bufio.Reader) (id uint64, size int, err error) {
	head, err := r.Peek(rawHeader)
	if err != nil {
		return 0, 0, err
	}
	size, id = int(binary.BigEndian.Uint32(head)), binary.BigEndian.Uint64(head[4:])
	if size > 1<<20 {
		return 0, 0, fmt.Errorf("raw frame of %d bytes", size)
	}
	_, err = r.Discard(rawHeader)
	return id, size, err
}

func appendRaw(dst []byte, id uint64, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.BigEndian.AppendUint64(dst, id)
	return append(dst, body...)
}

// pinger is the client of pingPong.
type pinger struct {
	net.Conn
	r   *bufio.Reader
	out []byte
}

func (p *pinger) Call(rep, req []byte) ([]byte, error) {
	p.out = appendRaw(p.out[:0], 1, req)
	if _, err := p.Write(p.out); err != nil {
		return nil, err
	}
	_, size, err := rawHead(p.r)
	if err != nil {
		return nil, err
	}
	rep = slices.Grow(rep[:0], size)[:size]
	_, err = io.ReadFull(p.r, rep)
	return rep, err
}

func (p *pinger) Cast([]byte) error { return errors.ErrUnsupported }
func (p *pinger) Flush() error      { return nil }

// rawClient is the client of multiplexed.
type rawClient struct {
	conn net.Conn

	mu      sync.Mutex
	room    sync.Cond // signalled when the writer took what was to be written
	out     []byte
	spare   []byte
	writing bool
	err     error
	slots   []rawSlot
	free    []int // indexes of slots
}

// rawSlot is where a call waits.
type rawSlot struct {
	rep   []byte
	ready chan error
}

// rawCalls is the number of calls that may be outstanding.
const rawCalls = 4096

func dialRaw(addr string) (*rawClient, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &rawClient{conn: c, slots: make([]rawSlot, rawCalls)}
	r.room.L = &r.mu
	for i := range r.slots {
		r.slots[i].ready = make(chan error, 1)
		r.free = append(r.free, i)
	}
	go r.read()
	return r, nil
}

// read hands each reply to the slot that its id names.
func (c *rawClient) read() {
	r := bufio.NewReaderSize(c.conn, rawChunk)
	for {
		id, size, err := rawHead(r)
		if err == nil && (id == 0 || id > rawCalls) {
			err = fmt.Errorf("raw frame with id %d", id)
		}
		if err != nil {
			c.fail(err)
			return
		}
		s := &c.slots[id-1]
		s.rep = slices.Grow(s.rep[:0], size)[:size]
		_, err = io.ReadFull(r, s.rep)
		s.ready <- err
	}
}

// fail ends all calls.
func (c *rawClient) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	for i := range c.slots {
		select {
		case c.slots[i].ready <- err:
		default:
		}
	}
	c.room.Broadcast()
}

func (c *rawClient) Call(rep, req []byte) ([]byte, error) {
	c.mu.Lock()
	if c.err != nil || len(c.free) == 0 {
		defer c.mu.Unlock()
		return nil, errors.Join(errors.New("no slot, or the connection broke"), c.err)
	}
	i := c.free[len(c.free)-1]
	c.free = c.free[:len(c.free)-1]
	s := &c.slots[i]
	s.rep = rep
	c.out = appendRaw(c.out, uint64(i+1), req)
	alone := len(c.free) == rawCalls-1
	c.write(alone)
	c.mu.Unlock()

	err := <-s.ready
	rep = s.rep
	c.mu.Lock()
	c.free = append(c.free, i)
	c.mu.Unlock()
	return rep, err
}

// write writes what there is, unless somebody is writing, who then does it. It
// lets others run first if there are any, who may have something to add. The
// lock is held before and after.
func (c *rawClient) write(alone bool) {
	if c.writing {
		return
	}
	c.writing = true
	if !alone {
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	for len(c.out) > 0 && c.err == nil {
		out := c.out
		c.out, c.spare = c.spare[:0], nil
		c.room.Broadcast()
		c.mu.Unlock()
		_, err := c.conn.Write(out)
		c.mu.Lock()
		c.spare = out
		if err != nil && c.err == nil {
			c.err = err
		}
	}
	c.writing = false
	c.room.Broadcast()
}

// Cast keeps the message until there is a chunk of them.
func (c *rawClient) Cast(body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 4*rawChunk && c.writing && c.err == nil {
		c.room.Wait()
	}
	c.out = appendRaw(c.out, 0, body)
	if len(c.out) >= rawChunk {
		c.write(true)
	}
	return c.err
}

func (c *rawClient) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write(true)
	return c.err
}

func (c *rawClient) Close() error { return c.conn.Close() }
