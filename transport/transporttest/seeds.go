package transporttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// Seeds runs a random program for each of n seeds from first on: three nodes
// that call and cast to each other over links that lose, reorder, duplicate,
// corrupt, delay, cut, hold and reset. It fails if a call does not end in time, ends
// twice or is handled twice, if a cast arrives altered, twice or out of order, or
// is lost without a word to its sender.
//
// A test of one seed can be run again by its name, "seed=17". It draws the same
// faults and the same program, but goroutines still take turns as they like.
func Seeds(t *testing.T, first uint64, n int) {
	var sum Stats
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			synctest.Test(t, func(t *testing.T) { sum.add(runProgram(t, seed)) })
		})
	}
	if n >= 20 && (sum.Lost == 0 || sum.Reordered == 0 || sum.Duplicated == 0 || sum.Corrupted == 0 || sum.Vanished == 0 || sum.Resets == 0) {
		t.Errorf("some faults never happened: %+v", sum)
	}
	t.Logf("%+v", sum)
}

// What a program does.
const (
	castsEach = 60 // of each route, in bursts
	callsEach = 25 // of each route, one after the other
	spell     = 6 * time.Second

	callTimeout = time.Second // of calls without a limit of their own
	// endSlack is how late a call may end: the kernel's coarse clocks, and what a
	// handler on the way takes.
	endSlack = 100 * time.Millisecond
)

// A program is one run.
type program struct {
	*testing.T
	seed   uint64
	net    *Network
	nodes  map[string]*node
	ledger *ledger
	done   chan struct{}
}

func nodeNames() []string { return []string{"a", "b", "c"} }

func serverNames() []string { return []string{"one", "two", "three"} }

// targets are the servers that a cast goes to: one alone, or two at once.
func targets() [][]string { return [][]string{{"one"}, {"two", "three"}} }

// dice returns random numbers for one part of the program.
func (p *program) dice(parts ...any) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(fmt.Sprint(parts...)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(p.seed, h))
}

// runProgram runs the program of one seed. It must be called in a bubble.
func runProgram(t *testing.T, seed uint64) Stats {
	p := &program{
		T: t, seed: seed, net: New(seed), nodes: map[string]*node{}, ledger: newLedger(), done: make(chan struct{}),
	}
	defer p.net.Close()
	s := &suite{T: t, fabric: Memory(p.net), harness: Harness{Bubble: true}}
	for _, name := range nodeNames() {
		p.nodes[name] = s.start(name, func(c *transport.Config) {
			c.PingEvery, c.PingTimeout, c.QueueLen, c.CallTimeout = 500*time.Millisecond, 2*time.Second, 60, callTimeout
		})
		for _, server := range serverNames() {
			p.serve(name, server)
		}
	}
	p.setFaults()
	p.each(func(from, to string) {
		var err error
		if p.dice("keep", from, to).IntN(2) == 0 {
			err = p.nodes[from].Keep(to, s.fabric.Addr(to))
		} else {
			err = p.nodes[from].Know(to, s.fabric.Addr(to))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	var load, upkeep sync.WaitGroup
	upkeep.Go(p.disturb)
	p.each(func(from, to string) {
		for _, servers := range targets() {
			for _, urgent := range []bool{false, true} {
				load.Go(func() { p.casts(from, to, servers, urgent) })
				load.Go(func() { p.calls(route{from, to, servers[0], urgent}) })
			}
		}
	})
	load.Wait()
	close(p.done)
	upkeep.Wait()
	st := p.net.Stats(Any, Any)
	p.settle()
	p.check()
	return st
}

// each calls f for each ordered pair of nodes.
func (p *program) each(f func(from, to string)) {
	for _, from := range nodeNames() {
		for _, to := range nodeNames() {
			if from != to {
				f(from, to)
			}
		}
	}
}

// setFaults draws the faults of each link. Some programs have few, or they
// would consist of handshakes that fail.
func (p *program) setFaults() {
	levels := []float64{0, 0, 0.0005, 0.002, 0.01, 0.03}
	p.each(func(from, to string) {
		d := p.dice("faults", from, to)
		level := func() float64 { return levels[d.IntN(len(levels))] }
		f := Faults{
			DelayMin: time.Duration(d.IntN(5000)) * time.Microsecond,
			Lose:     level(), Reorder: level(), Duplicate: level(), Corrupt: level(),
		}
		f.DelayMax = f.DelayMin + time.Duration(d.IntN(3000))*time.Microsecond
		if d.IntN(3) == 0 {
			f.Split, f.ShortRead, f.MSS = 0.1, 0.3, 1400
		}
		f.Rate = []int{0, 0, 0, 1 << 20, 100 << 10}[d.IntN(5)]
		p.net.Set(from, to, f)
	})
}

// disturb cuts, holds and resets links until the load is done.
func (p *program) disturb() {
	d := p.dice("disturb")
	names := nodeNames()
	for {
		i := d.IntN(3)
		from, to := names[i], names[(i+1+d.IntN(2))%3]
		switch what := d.IntN(10); what {
		case 0, 1:
			p.net.Cut(from, to)
		case 2, 3:
			p.net.CutOneWay(from, to)
		case 4:
			p.net.Hold(from, to)
		case 5, 6:
			p.net.Reset(from, to)
		default:
			p.net.Heal(from, to)
		}
		pause := time.Duration(10+d.IntN(400))*time.Millisecond + 333*time.Nanosecond
		if d.IntN(10) == 0 {
			pause += 4 * time.Second // long enough for pings to notice
		}
		select {
		case <-p.done:
			return
		case <-time.After(pause):
		}
		p.net.Heal(from, to)
	}
}

// A route is what must keep its order.
type route struct {
	from, to, server string
	urgent           bool
}

// size draws the length of a body.
func size(d *rand.Rand) int {
	switch d.IntN(40) {
	case 0:
		return wire.BodyMax + d.IntN(wire.BodyMax)
	case 1, 2, 3:
		return 2000 + d.IntN(8000)
	}
	return bodyMin + d.IntN(100)
}

// casts sends the casts of a route, or of one to each server.
func (p *program) casts(from, to string, servers []string, urgent bool) {
	d := p.dice("casts", from, to, servers, urgent)
	burst := 1 << (2 * d.IntN(3)) // casts between two pauses, on average
	for i := range uint64(castsEach) {
		if d.IntN(burst) == 0 {
			time.Sleep(time.Duration(d.Int64N(2 * int64(burst) * int64(spell/castsEach))))
		}
		m := transport.Message{Body: stamped(i, size(d)), Urgent: urgent, NoQueue: d.IntN(10) == 0}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		var err error
		if len(servers) == 1 {
			err = p.nodes[from].Cast(ctx, to, servers[0], m)
		} else {
			err = p.nodes[from].CastMulti(ctx, to, servers, m)
		}
		cancel()
		for _, server := range servers {
			p.ledger.cast(route{from, to, server, urgent}, len(servers) > 1, m.NoQueue, err)
		}
	}
}

// calls makes calls, one after the other.
func (p *program) calls(r route) {
	d := p.dice("calls", r)
	for i := range callsEach {
		time.Sleep(time.Duration(d.Int64N(int64(2 * spell / callsEach))))
		id := p.ledger.newCall(r, i)
		limit := time.Duration(50+d.IntN(2000)) * time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		if d.IntN(3) == 0 {
			cancel()
			ctx, limit = context.Background(), callTimeout
		}
		m := transport.Message{Body: stamped(id, size(d)), Urgent: r.urgent, Wait: d.IntN(2) == 0}
		start := time.Now()
		got, err := p.nodes[r.from].Call(ctx, r.to, r.server, m)
		if took := time.Since(start); took > limit+endSlack {
			p.Errorf("call %x by %v ended after %v, its limit was %v: %v", id, r, took, limit, err)
		}
		cancel()
		p.ledger.ended(id, got.Body, err)
	}
}

// serve registers a server that answers most calls, late or with an error at
// times, and in some programs is full at times.
func (p *program) serve(name, server string) {
	n := p.nodes[name]
	d := p.dice("serve", name, server)
	s := &service{}
	if p.dice("full").IntN(3) == 0 {
		s.full = func() bool { return d.IntN(20) == 0 }
		go func() {
			for {
				select {
				case <-p.done:
					return
				case <-time.After(17 * time.Millisecond):
					s.resume()
				}
			}
		}()
	}
	s.answer = func(in transport.Delivery) {
		id, err := unstamp(in.Body)
		if err != nil {
			p.Errorf("a call to %s@%s: %v", server, name, err)
		}
		p.ledger.handled(id)
		a := p.dice("answer", id)
		time.Sleep(time.Duration(a.IntN(30)) * time.Millisecond)
		switch a.IntN(10) {
		case 0: // never
		case 1:
			_ = in.Call.Fail("own-code", "", nil)
		case 2:
			_ = in.Call.Reply(in.Body)
			_ = in.Call.Fail("twice", "", nil)
		default:
			_ = in.Call.Reply(in.Body)
		}
	}
	p.ledger.servers[name+"/"+server] = s
	n.serve(server, s)
}

// settle ends all faults and waits until nothing is under way.
func (p *program) settle() {
	p.net.Set(Any, Any, Faults{})
	for range 3 {
		for _, s := range p.ledger.servers {
			s.mu.Lock()
			s.full = nil
			s.mu.Unlock()
			s.resume()
		}
		time.Sleep(30 * time.Second)
	}
	for name, n := range p.nodes {
		if st := n.Stats(); st.CallsInFlight != 0 || st.QueuedCasts != 0 {
			p.Errorf("%s has %d calls and %d casts when all is done", name, st.CallsInFlight, st.QueuedCasts)
		}
		n.Close()
	}
}
