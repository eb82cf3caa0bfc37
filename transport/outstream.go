package transport

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/transport/wire"
)

// An outStream is a stream that this node writes on a link.
type outStream struct {
	sid    uint64
	answer bool
	castTo string      // the server, if it is the body of a cast
	whole  atomic.Bool // all of the body is on its way
	owed   int64       // bytes of its body that this node keeps
	mu     sync.Mutex
	credit int64
	seen   uint32        // of the requests and answers beside it
	polite int           // bytes for which it leaves room for those
	err    error         // the reader stopped, or the link is gone
	more   chan struct{} // closed when the writer should look again; nil if it does not wait
}

// errStopped reports that the reader of a stream wants no more.
var errStopped = errors.New("the reader stopped the stream")

// grant lets the writer send n more bytes.
func (o *outStream) grant(n uint64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n > 1<<30 || o.credit+int64(n) > 1<<30 {
		return errPeer("stream %d is granted %d bytes", o.sid, n)
	}
	o.credit += int64(n)
	o.signal()
	return nil
}

// stop ends the writing.
func (o *outStream) stop(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.signal()
}

func (o *outStream) signal() {
	if o.more != nil {
		close(o.more)
		o.more = nil
	}
}

// spend waits for credit and takes at most n bytes of it, of left that are still
// to be sent.
func (o *outStream) spend(ctx context.Context, l *link, n, left int) (int, error) {
	for {
		o.mu.Lock()
		switch reserve := o.reserve(l, left); {
		case o.err != nil:
			o.mu.Unlock()
			return 0, o.err
		case o.credit > reserve:
			n = int(min(int64(n), o.credit))
			o.credit -= int64(n)
			o.polite = max(o.polite-n, 0)
			o.mu.Unlock()
			return n, nil
		}
		if o.more == nil {
			o.more = make(chan struct{})
		}
		more := o.more
		o.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// besideMax is how many bytes of a stream are on their way while there are other
// requests and answers on the link, which must come through behind them. A reader
// that has had so many grants more.
const besideMax = 48 << 10

// politeFor is for how many bytes a stream makes way after it saw others.
const politeFor = 1 << 20

// reserve returns how much of the credit o leaves unused for the sake of others.
// Once the credit is enough for all that is left, no more may be granted. o is
// locked.
func (o *outStream) reserve(l *link, left int) int64 {
	if seen := l.beside.Load(); seen != o.seen {
		o.seen, o.polite = seen, politeFor
	}
	if o.polite == 0 || o.credit >= int64(left) {
		return 0
	}
	return streamCredit - besideMax
}

// writeBody sends a body in chunks. It waits until the peer took them.
//
// The stream of a cast stays open until the peer stops it, which tells that the
// peer has it whole.
func (l *link) writeBody(ctx context.Context, o *outStream, body []byte) (err error) {
	defer func() {
		if err != nil || o.castTo == "" {
			l.outs.remove(o.sid)
		}
	}()
	l.pumps.Add(1)
	defer l.pumps.Add(-1)
	for len(body) > 0 {
		n, err := o.spend(ctx, l, min(len(body), wire.ChunkMax), len(body))
		if err == nil {
			err = l.sendData(ctx, o.sid, body[:n])
		}
		if err != nil {
			l.endStream(o.sid, err)
			return err
		}
		body = body[n:]
	}
	o.whole.Store(true)
	l.endStream(o.sid, nil)
	return nil
}

// pump sends what r yields, and closes r if it can be closed.
func (l *link) pump(ctx context.Context, o *outStream, r io.Reader) {
	defer l.outs.remove(o.sid)
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	l.pumps.Add(1)
	defer l.pumps.Add(-1)
	buf := make([]byte, wire.ChunkMax)
	for {
		n, err := o.spend(ctx, l, len(buf), math.MaxInt)
		if err != nil {
			l.endStream(o.sid, err)
			return
		}
		got, readErr := r.Read(buf[:n])
		o.unspend(n - got)
		if got > 0 {
			if err := l.sendData(ctx, o.sid, buf[:got]); err != nil {
				l.endStream(o.sid, err)
				return
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			l.endStream(o.sid, nil)
			return
		case readErr != nil:
			l.endStream(o.sid, readErr)
			return
		}
	}
}

// unspend gives credit back that was not used.
func (o *outStream) unspend(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credit += int64(n)
}

// sendData appends a chunk, once the chunks before it are on their way.
func (l *link) sendData(ctx context.Context, sid uint64, chunk []byte) error {
	o := &l.out
	for {
		o.mu.Lock()
		if o.err != nil {
			o.mu.Unlock()
			return o.err
		}
		if bulk := &o.filling().lanes[laneBulk]; len(*bulk) < bulkMax {
			*bulk = wire.AppendData(*bulk, sid, chunk)
			l.flushSoon()
			return nil
		}
		if err := o.waitRoom(ctx, time.Time{}); err != nil {
			return err
		}
	}
}

// endStream says that a stream ends, and why if it was broken off. It stands in
// the lane of the chunks, behind them.
func (l *link) endStream(sid uint64, err error) {
	m := wire.Msg{Kind: wire.KindEnd, Sid: sid}
	if err != nil {
		code, text := codeOf(err)
		m.Code, m.Text = []byte(code), []byte(text)
	}
	for {
		l.out.mu.Lock()
		if l.out.err != nil {
			l.out.mu.Unlock()
			return
		}
		b := l.out.filling()
		if b.ends < outEndsMax {
			b.ends++
			b.lanes[laneBulk] = wire.Append(b.lanes[laneBulk], &m)
			l.flushSoon()
			return
		}
		if l.out.waitRoom(context.Background(), time.Time{}) != nil {
			return
		}
	}
}

// credit lets the peer send more of a stream.
func (l *link) credit(sid uint64, n int) {
	l.control(func(b []byte) []byte { return wire.AppendCredit(b, sid, uint64(n)) })
}

// stopStream tells the peer that nobody reads its stream, and forgets it.
func (l *link) stopStream(sid uint64) {
	l.ins.remove(sid)
	l.control(func(b []byte) []byte {
		return wire.Append(b, &wire.Msg{Kind: wire.KindStop, Sid: sid})
	})
}
