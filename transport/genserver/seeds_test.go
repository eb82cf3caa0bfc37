package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// A route is what must keep its order.
type route struct{ from, server string }

// A program is some servers with small mailboxes on two nodes, what they are
// sent, and what became of it.
type program struct {
	*world
	seed uint64

	mu    sync.Mutex
	sent  map[route]int   // casts
	got   map[route][]int // casts, as they were handled
	runs  map[string]int  // of the handlers of calls, by call
	calls int
	fine  int // calls that were answered
}

// Under breaks of the connection each call ends once and in time, casts arrive in
// order and at most once, and none is stranded: what is lost is reported. A test of
// one seed can be run again by its name.
func TestServersUnderFaults(t *testing.T) {
	n := uint64(100)
	if testing.Short() {
		n = 10
	}
	calls, fine := 0, 0
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			cryptotest.SetGlobalRandom(t, seed)
			synctest.Test(t, func(t *testing.T) {
				net := transporttest.New(seed)
				defer net.Close()
				inWorld(t, net, func(w *world) {
					p := &program{world: w, seed: seed, sent: map[route]int{}, got: map[route][]int{}, runs: map[string]int{}}
					p.run()
					calls += p.calls
					fine += p.fine
				})
			})
		})
	}
	if fine == 0 || fine == calls {
		t.Errorf("%d calls of %d were answered: the test looks at one case only", fine, calls)
	}
}

func (p *program) dice(parts ...any) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(fmt.Sprint(parts...)) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(p.seed, h))
}

func (p *program) run() {
	servers := map[string]*genserver.Server{}
	for _, node := range []string{"a", "b"} {
		for _, name := range []string{"one", "two"} {
			servers[name+"@"+node] = start(p.world, p.nodes[node], name, p.server(name+"@"+node))
		}
	}
	done := make(chan struct{})
	var load, upkeep sync.WaitGroup
	upkeep.Go(func() { p.disturb(done, servers) })
	for from, to := range map[string]string{"a": "b", "b": "a"} {
		for _, name := range []string{"one", "two"} {
			load.Go(func() { p.casts(route{from, name + "@" + to}) })
			load.Go(func() { p.callsTo(route{from, name + "@" + to}) })
		}
	}
	load.Wait()
	close(done)
	upkeep.Wait()
	p.net.Heal("a", "b")
	for _, s := range servers {
		s.Resume()
	}
	pass(time.Minute)
	settle()
	p.check(servers)
}

// server is an init of a server that is slow at times.
func (p *program) server(ref string) func(context.Context, *genserver.Server) error {
	d := p.dice("server", ref)
	work := func() {
		if d.IntN(4) == 0 {
			pass(time.Duration(d.IntN(20)) * time.Millisecond)
		}
	}
	return func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "put", func(_ context.Context, from genserver.From, n int) (bool, error) {
			r := route{from.Node(), ref}
			p.mu.Lock()
			p.got[r] = append(p.got[r], n)
			p.mu.Unlock()
			work()
			return true, nil
		})
		genserver.Handle(s, "ask", func(ctx context.Context, from genserver.From, id string) (string, error) {
			p.mu.Lock()
			p.runs[id]++
			p.mu.Unlock()
			switch d.IntN(4) {
			case 0:
				return genserver.Async(ctx, from, func(context.Context) (string, error) {
					pass(30 * time.Millisecond)
					return id, nil
				})
			case 1:
				return "", errEmpty
			}
			work()
			return id, nil
		})
		return s.SetMailbox(genserver.Mailbox{Len: 1 + d.IntN(4)})
	}
}

func (p *program) casts(r route) {
	d := p.dice("casts", r)
	for n := range 60 {
		err := genserver.Cast(context.Background(), p.nodes[r.from], r.server, "put", n)
		p.mu.Lock()
		if err == nil {
			p.sent[r]++
		} else if !errors.Is(err, transport.ErrNotConnected) {
			p.t.Errorf("%v: cast %d: %v", r, n, err)
		}
		p.mu.Unlock()
		if d.IntN(10) == 0 {
			pass(time.Duration(d.IntN(200)) * time.Millisecond)
		}
	}
}

func (p *program) callsTo(r route) {
	d := p.dice("calls", r)
	for n := range 25 {
		id := fmt.Sprint(r, n)
		limit := time.Duration(1+d.IntN(300)) * time.Millisecond
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		begin := time.Now()
		got, err := genserver.Call[string](ctx, p.nodes[r.from], r.server, "ask", id)
		cancel()
		if took := time.Since(begin); took > limit+100*time.Millisecond {
			p.t.Errorf("call %s took %v of %v", id, took, limit)
		}
		p.mu.Lock()
		p.calls++
		if err == nil {
			p.fine++
		}
		switch runs := p.runs[id]; {
		case err == nil && (got != id || runs != 1):
			p.t.Errorf("call %s was answered by %q and handled %d times", id, got, runs)
		case errors.Is(err, errEmpty) && runs != 1:
			p.t.Errorf("call %s failed with %v and was handled %d times", id, err, runs)
		case transport.NotDelivered(err):
			p.runs[id]++ // so that it fails if it is handled yet
		}
		p.mu.Unlock()
	}
}

// disturb breaks connections and pauses servers until the load is done.
func (p *program) disturb(done <-chan struct{}, servers map[string]*genserver.Server) {
	d := p.dice("disturb")
	for {
		s := servers[[]string{"one@a", "two@a", "one@b", "two@b"}[d.IntN(4)]]
		switch d.IntN(6) {
		case 0:
			p.net.Cut("a", "b")
		case 1, 2:
			p.net.Reset("a", "b")
		case 3:
			s.Pause()
		}
		select {
		case <-done:
			return
		case <-time.After(time.Duration(10+d.IntN(300)) * time.Millisecond):
		}
		p.net.Heal("a", "b")
		s.Resume()
	}
}

func (p *program) check(servers map[string]*genserver.Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, runs := range p.runs {
		if runs > 1 {
			p.t.Errorf("call %s was handled %d times, or once though its error says that it was not", id, runs)
		}
	}
	for r, sent := range p.sent {
		got := p.got[r]
		for i := 1; i < len(got); i++ {
			if got[i] <= got[i-1] {
				p.t.Errorf("%v: cast %d was handled after cast %d", r, got[i], got[i-1])
			}
		}
		if told := p.told(r); sent-len(got) > told {
			p.t.Errorf("%v: %d casts of %d were handled, and %d reported as lost", r, len(got), sent, told)
		}
	}
	for ref, s := range servers {
		if st := s.Stats(); st.Waiting != 0 || st.Apart != 0 || st.Bytes != 0 {
			p.t.Errorf("%s: stats are %+v when all is done", ref, st)
		}
	}
}

// told returns how many casts the sender was told that it lost, or may have.
func (p *program) told(r route) int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	n := 0
	for _, e := range p.events[r.from] {
		if (e.Kind == transport.Dropped || e.Kind == transport.Unconfirmed) && e.Server+"@"+e.Node == r.server {
			n += int(e.Count)
		}
	}
	return n
}
