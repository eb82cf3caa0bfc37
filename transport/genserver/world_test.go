package genserver_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// A world is some nodes on a network in memory, inside a bubble of fake time.
type world struct {
	t     *testing.T
	net   *transporttest.Network // nil: nodes talk over TCP, in real time
	nodes map[string]*transport.Kernel

	mu     sync.Mutex
	events map[string][]transport.Event
}

// bubble runs a test in a world with the nodes a and b, which know each other.
// A goroutine that is left at the end makes the test fail.
func bubble(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := transporttest.New(1)
		defer net.Close()
		inWorld(t, net, test)
	})
}

// inWorld runs a test with nodes on the network.
func inWorld(t *testing.T, net *transporttest.Network, test func(w *world)) {
	t.Helper()
	w := &world{t: t, net: net, nodes: make(map[string]*transport.Kernel), events: make(map[string][]transport.Event)}
	defer func() {
		for _, k := range w.nodes {
			k.Close()
		}
	}()
	w.node("a", nil)
	w.node("b", nil)
	w.know("a", "b")
	w.know("b", "a")
	test(w)
}

// node starts a node.
func (w *world) node(id string, change func(*transport.Config)) *transport.Kernel {
	w.t.Helper()
	c := transport.Config{ID: id, Addr: "127.0.0.1:0", Insecure: true}
	if w.net != nil {
		c.Addr, c.InsecureAnywhere, c.Network = id+":1", true, w.net.Host(id)
	}
	c.OnEvent = func(e transport.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events[id] = append(w.events[id], e)
	}
	if change != nil {
		change(&c)
	}
	k, err := transport.Start(context.Background(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.nodes[id] = k
	return k
}

// know lets one node know where another is.
func (w *world) know(from, to string) { w.nodes[from].Know(to, w.nodes[to].Addr()) }

// dropped returns how many casts to a server the node was told were thrown away,
// by reason.
func (w *world) dropped(node, server string) map[string]int {
	settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := make(map[string]int)
	for _, e := range w.events[node] {
		if e.Kind == transport.Dropped && e.Server == server {
			counts[e.Reason] += int(e.Count)
		}
	}
	return counts
}

// A place is where a caller is, seen from the server it calls.
type place struct {
	*world
	here  genserver.Kernel // the caller's
	there genserver.Kernel // the server's
}

// ref returns what the caller calls a server.
func (p *place) ref(name string) string {
	if p.here.ID() == p.there.ID() {
		return name
	}
	return name + "@" + p.there.ID()
}

// start starts a server there, and kills it in the end.
func (p *place) start(name string, init func(ctx context.Context, s *genserver.Server) error) *genserver.Server {
	p.t.Helper()
	return start(p.world, p.there, name, init)
}

func start(w *world, k genserver.Kernel, name string, init func(ctx context.Context, s *genserver.Server) error) *genserver.Server {
	w.t.Helper()
	s, err := genserver.Start(k, name, init)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Kill)
	return s
}

// everywhere runs a test with a caller beside the server, with one whose kernel
// encodes local messages, and with one on another node. All must see the same.
func everywhere(t *testing.T, test func(p *place)) {
	t.Helper()
	for _, tt := range []struct {
		name        string
		here, there string
	}{{"local", "b", "b"}, {"local and encoded", "e", "e"}, {"remote", "a", "b"}} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.node("e", func(c *transport.Config) { c.EncodeLocal = true })
				if tt.here != tt.there { // so that no test measures how long connecting takes
					if _, err := w.nodes["a"].Connect(context.Background(), "b:1"); err != nil {
						t.Fatal(err)
					}
				}
				test(&place{w, w.nodes[tt.here], w.nodes[tt.there]})
			})
		})
	}
}

// everywhereAndTCP is everywhere, and over the system's own network. Such a test
// can neither let time pass nor wait until all is quiet.
func everywhereAndTCP(t *testing.T, test func(p *place)) {
	t.Helper()
	everywhere(t, test)
	t.Run("TCP", func(t *testing.T) {
		inWorld(t, nil, func(w *world) { test(&place{w, w.nodes["a"], w.nodes["b"]}) })
	})
}

// call calls with the kernel's time limit of five seconds.
func call[Rep any](p *place, server, event string, req any) (Rep, error) {
	return genserver.Call[Rep](context.Background(), p.here, p.ref(server), event, req)
}

func cast(p *place, server, event string, req any) error {
	return genserver.Cast(context.Background(), p.here, p.ref(server), event, req)
}

// want fails the test unless err is target, and says so of nothing else.
func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}

// took fails the test unless d has passed since start, and what the network in
// memory takes for a few messages.
func took(t *testing.T, start time.Time, d time.Duration) {
	t.Helper()
	if got := time.Since(start); got < d || got > d+100*time.Microsecond {
		t.Fatalf("it took %v, want %v", got, d)
	}
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

// settle lets what was sent arrive, and be handled.
func settle() {
	pass(time.Millisecond)
	synctest.Wait()
}

// collect frees what nobody refers to, and gives cleanups, which run by
// themselves, time to do so.
func collect() {
	for range 5 {
		runtime.GC()
		settle()
	}
}

// A log collects what handlers saw.
type log[T any] struct {
	mu  sync.Mutex
	all []T
}

func (l *log[T]) add(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, v)
}

func (l *log[T]) list() []T {
	settle()
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// recorder is an init whose handler of "put" logs numbers, and whose handler of
// "hold" returns when it may.
func recorder(l *log[int], hold <-chan struct{}) func(context.Context, *genserver.Server) error {
	return func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "put", func(_ context.Context, _ genserver.From, n int) (int, error) {
			l.add(n)
			return n, nil
		})
		genserver.Handle(s, "hold", func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
			select {
			case <-hold:
				return true, nil
			case <-s.Done(): // killed
				return false, ctx.Err()
			}
		})
		return nil
	}
}

// numbers returns from, from+1, ..., to-1.
func numbers(from, to int) []int {
	var all []int
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}
