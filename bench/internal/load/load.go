// Package load puts a load on one pair of processes and says what it took.
//
// What would make a number wrong, and what is done about it:
//
//   - A reply that belongs to another call: each request carries a number that
//     no other does, and each reply is compared with its request.
//   - Casts that are accepted and lost: the server counts, and only what it
//     counted is in a rate. What was sent and did not arrive is stated.
//   - Casts that are accepted and not yet there: the clock stops when the last
//     has arrived, not when it was sent.
//   - Cold connections, pools and branches: each sample begins with calls that
//     are not counted, a tenth of the time or a few.
//   - A system that hangs: whoever samples kills the server after a limit, and
//     the calls fail.
package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// Small is the size of the requests of calls.
const Small = 64

// A Pair is what is loaded: calls, casts, and what the server counted of them.
type Pair interface {
	system.Client
	Expect(n int) error
	Wait(idle, limit time.Duration) (system.Tally, error)
}

// Times is how long calls took, in nanoseconds.
type Times struct {
	P50, P99 float64
	Calls    int
}

// caller makes calls with numbers of its own.
type caller struct {
	c        system.Client
	req, rep []byte
	next     uint64
}

func newCaller(c system.Client, id int) *caller {
	r := &caller{c: c, req: make([]byte, Small), next: uint64(id) << 40}
	for i := range r.req {
		r.req[i] = byte(i)
	}
	return r
}

// call makes one call and compares the reply.
func (c *caller) call() error {
	binary.BigEndian.PutUint64(c.req, c.next)
	c.next++
	rep, err := c.c.Call(c.rep, c.req)
	if err != nil {
		return err
	}
	if !bytes.Equal(rep, c.req) {
		return fmt.Errorf("call %d was answered with %d other bytes", c.next-1, len(rep))
	}
	c.rep = rep
	return nil
}

// Latency makes calls one after the other until the time is over, and a tenth of
// it before that.
func Latency(p Pair, d time.Duration) (Times, error) {
	c := newCaller(p, 1)
	for end := time.Now().Add(d / 10); time.Now().Before(end); {
		if err := c.call(); err != nil {
			return Times{}, err
		}
	}
	end := time.Now().Add(d)
	return latency(c, func() bool { return time.Now().After(end) })
}

// latency makes calls until done says so, and at least one.
func latency(c *caller, done func() bool) (Times, error) {
	took := make([]float64, 0, 1<<14)
	for {
		start := time.Now()
		if err := c.call(); err != nil {
			return Times{}, err
		}
		took = append(took, float64(time.Since(start).Nanoseconds()))
		if done() {
			return Quantiles(took), nil
		}
	}
}

// Quantiles returns the median and the 99th percentile. It sorts took.
func Quantiles(took []float64) Times {
	slices.Sort(took)
	n := len(took)
	return Times{took[n/2], took[min(n*99/100, n-1)], n}
}

// Calls is how many calls were answered in what time.
type Calls struct {
	Calls int
	Warm  int // before the time began
	Took  time.Duration
}

// Rate returns the calls of a second.
func (c Calls) Rate() float64 { return float64(c.Calls) / c.Took.Seconds() }

// Rate keeps that many calls outstanding, each made by a goroutine that waits for
// its reply.
func Rate(p Pair, outstanding int, d time.Duration) (Calls, error) {
	var (
		ready, done sync.WaitGroup
		begin       = make(chan struct{})
		stop        atomic.Bool
		calls       atomic.Int64
		failed      = make(chan error, outstanding)
	)
	for i := range outstanding {
		c := newCaller(p, i+1)
		ready.Add(1)
		done.Go(func() {
			err := c.call()
			ready.Done()
			<-begin
			n := 0
			for err == nil && !stop.Load() {
				err = c.call()
				n++
			}
			calls.Add(int64(n))
			if err != nil {
				stop.Store(true)
				failed <- err
			}
		})
	}
	ready.Wait()
	start := time.Now()
	close(begin)
	for end := start.Add(d); time.Now().Before(end) && !stop.Load(); {
		time.Sleep(min(time.Until(end), 10*time.Millisecond))
	}
	stop.Store(true)
	done.Wait()
	took := time.Since(start)
	select {
	case err := <-failed:
		return Calls{}, err
	default:
		return Calls{int(calls.Load()), outstanding, took}, nil
	}
}

// A Flow is what became of casts.
type Flow struct {
	Sent      int // accepted by the caller's side
	Refused   int // refused by it, with an error
	Reported  int // lost after it had accepted them, and said so
	Delivered int
	Took      time.Duration // from before the first was sent until the last arrived
}

// Rate returns the casts of a second that arrived.
func (f Flow) Rate() float64 { return float64(f.Delivered) / f.Took.Seconds() }

// Lost returns how many were accepted and did not arrive.
func (f Flow) Lost() int { return f.Sent - f.Delivered }

// Silent returns how many of those that were lost nobody was told of. What may
// have arrived and did is reported too, so that it may be less than none.
func (f Flow) Silent() int { return max(f.Lost()-f.Reported, 0) }

// Waits for casts: they are taken as lost when none came for idleMax, and the
// server must have answered after waitMax.
const (
	idleMax = 300 * time.Millisecond
	waitMax = 20 * time.Second
)

// warm is how many calls are made before casts or a transfer.
const warm = 16

// warmUp makes calls that are not counted. Their numbers are those of no other.
func warmUp(p Pair) error {
	c := newCaller(p, 0)
	for range warm {
		if err := c.call(); err != nil {
			return err
		}
	}
	return nil
}

// OneWay casts n messages as fast as the caller's side takes them and waits until
// they have arrived.
func OneWay(p Pair, size, n int) (f Flow, err error) {
	if err := warmUp(p); err != nil {
		return f, err
	}
	if err := p.Expect(n); err != nil {
		return f, err
	}
	body := bytes.Repeat([]byte{'x'}, size)
	reporter, reports := unwrap(p).(system.Reporter)
	if reports {
		f.Reported = -reporter.Reported()
	}
	start := time.Now()
	for range n {
		if err := p.Cast(body); err != nil {
			f.Refused++
		}
	}
	if err := p.Flush(); err != nil && f.Refused == 0 {
		return f, err
	}
	t, err := p.Wait(idleMax, waitMax)
	if err != nil {
		return f, err
	}
	if t.Bytes != t.Count*size || t.Count > n-f.Refused {
		return f, fmt.Errorf("%d casts of %d bytes arrived as %d of %d bytes", n, size, t.Count, t.Bytes)
	}
	f.Sent, f.Delivered = n-f.Refused, t.Count
	if reports {
		f.Reported += reporter.Reported()
	}
	f.Took = time.Duration(t.Last - start.UnixNano())
	if f.Refused == n {
		return f, errors.New("every cast was refused")
	}
	return f, nil
}

// chunk is the size of the messages of a transfer that has no stream.
const chunk = 64 << 10

// Transfer moves n bytes to the server, by a stream if there is one, else by
// casts of 64 KiB, and returns when they are there. It returns how many did not
// arrive.
func Transfer(p Pair, n int) (lost int, err error) {
	if s, ok := unwrap(p).(system.Streamer); ok {
		return 0, s.Stream(n)
	}
	f, err := OneWay(p, chunk, n/chunk)
	return f.Lost() * chunk, err
}

// Beside makes calls one after the other while bytes are transferred on the same
// pair, again and again until the time is over. It returns the times of the calls
// and the bytes a second of the transfers.
func Beside(p Pair, n int, d time.Duration) (t Times, rate float64, err error) {
	if err := warmUp(p); err != nil {
		return t, 0, err
	}
	var over atomic.Bool
	type result struct {
		moved int
		took  time.Duration
		err   error
	}
	results := make(chan result, 1)
	go func() {
		defer over.Store(true)
		var r result
		for start := time.Now(); r.took < d && r.err == nil; r.took = time.Since(start) {
			var lost int
			lost, r.err = Transfer(p, n)
			r.moved += n - lost
			if lost > 0 && r.err == nil {
				r.err = fmt.Errorf("%d of %d bytes of the transfer were lost", lost, n)
			}
		}
		results <- r
	}()
	t, err = latency(newCaller(p, 1), over.Load)
	r := <-results
	return t, float64(r.moved) / r.took.Seconds(), errors.Join(err, r.err)
}

// unwrap returns the client of a pair.
func unwrap(p Pair) system.Client {
	if h, ok := p.(interface{ Unwrap() system.Client }); ok {
		return h.Unwrap()
	}
	return p
}
