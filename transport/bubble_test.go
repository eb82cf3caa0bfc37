package transport_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// A world is some nodes on a network in memory, inside a bubble.
type world struct {
	t      *testing.T
	net    *transporttest.Network
	nodes  map[string]*transport.Kernel
	mu     sync.Mutex
	events map[string][]transport.Event
}

// bubble runs a test in a bubble. The nodes that it started are closed in the
// end; goroutines that are left make the bubble panic.
func bubble(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: transporttest.New(1), nodes: make(map[string]*transport.Kernel), events: make(map[string][]transport.Event)}
		defer w.net.Close()
		defer func() {
			for _, k := range w.nodes {
				k.Close()
			}
		}()
		test(w)
	})
}

// start starts a node that listens at its name, port 1.
func (w *world) start(id string, change func(*transport.Config)) *transport.Kernel {
	w.t.Helper()
	c := transport.Config{ID: id, Addr: id + ":1", Cookie: cookie, Network: w.net.Host(id)}
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

// seen returns the events of a kind that a node was told.
func (w *world) seen(id string, kind transport.EventKind) []transport.Event {
	settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.events[id]), func(e transport.Event) bool { return e.Kind != kind })
}

// drops returns how many casts were reported to a node as dropped, by server and
// reason. Reports of one kind may come in one event or in several.
func (w *world) drops(id string) map[string]uint64 {
	sums := make(map[string]uint64)
	for _, e := range w.seen(id, transport.Dropped) {
		sums[e.Server+" "+e.Reason] += e.Count
	}
	return sums
}

// connect connects two nodes and fails the test if that fails.
func (w *world) connect(from *transport.Kernel, to string) {
	w.t.Helper()
	if id, err := from.Connect(w.t.Context(), to+":1"); err != nil || id != to {
		w.t.Fatalf("Connect(%s) = %q, %v", to, id, err)
	}
}

// A recorder keeps what it is given, and refuses it while it is full.
type recorder struct {
	name string
	mu   sync.Mutex
	room int // messages that it still takes; less than 0: any number
	got  []transport.Delivery
	full []transport.LinkID
	downs,
	cancels int
}

func record(w *world, k *transport.Kernel, name string, room int) *recorder {
	r := &recorder{name: name, room: room}
	if err := k.Register(name, r); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (r *recorder) Deliver(d *transport.Delivery) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.room == 0 {
		r.full = append(r.full, d.Link)
		return false
	}
	r.room--
	r.got = append(r.got, *d)
	return true
}

func (r *recorder) Cancel(transport.CallRef) { r.mu.Lock(); r.cancels++; r.mu.Unlock() }

func (r *recorder) LinkDown(transport.LinkID) { r.mu.Lock(); r.downs++; r.mu.Unlock() }

// take gives r room for n messages more.
func (r *recorder) take(n int) {
	r.mu.Lock()
	r.room = n
	full := r.full
	r.full = nil
	r.mu.Unlock()
	for _, l := range full {
		l.Resume(r.name)
	}
}

// pass lets time pass in the bubble.
func pass(d time.Duration) { <-time.After(d) }

// settle lets everything happen that is under way.
func settle() {
	pass(100 * time.Millisecond)
	synctest.Wait()
}

// bodies returns what arrived so far.
func (r *recorder) bodies() []string {
	settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, d := range r.got {
		out = append(out, string(d.Body))
	}
	return out
}

// calls returns the calls that arrived and takes them from r.
func (r *recorder) calls() []transport.CallRef {
	settle()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []transport.CallRef
	for _, d := range r.got {
		if !d.Call.IsZero() {
			out = append(out, d.Call)
		}
	}
	return out
}

// Two nodes that dial each other in the same instant must end up with one
// connection, and not with none, two, or one that changes.
func TestNodesThatDialEachOtherShareOneConnection(t *testing.T) {
	for i := range 50 {
		bubble(t, func(w *world) {
			a, b := w.start("a", nil), w.start("b", nil)
			for _, pair := range [][2]string{{"a", "b"}, {"b", "a"}} {
				w.net.Change(pair[0], pair[1], func(f *transporttest.Faults) {
					f.DelayMin, f.DelayMax = time.Duration(i%10+1)*time.Millisecond, time.Duration(i%10+1)*time.Millisecond
				})
			}
			ra, rb := record(w, a, "box", -1), record(w, b, "box", -1)
			a.Know("b", "b:1")
			b.Know("a", "a:1")
			var wait sync.WaitGroup
			for n := range 20 {
				wait.Go(func() {
					pass(time.Duration(i*n) * 100 * time.Microsecond)
					a.Cast(w.t.Context(), "b", "box", transport.Message{Body: []byte("x")})
				})
				wait.Go(func() { b.Cast(w.t.Context(), "a", "box", transport.Message{Body: []byte("x")}) })
			}
			wait.Wait()
			pass(10 * time.Second)
			if x, y := len(ra.bodies()), len(rb.bodies()); x != 20 || y != 20 {
				w.t.Errorf("delay %d ms: a got %d casts and b %d, want 20 each", i, x, y)
			}
			for id, other := range map[string]string{"a": "b", "b": "a"} {
				if p, _ := w.nodes[id].Peer(other); !p.Connected {
					w.t.Errorf("delay %d ms: %s is not connected", i, id)
				}
				if ups := w.seen(id, transport.LinkUp); len(ups) != 1 {
					w.t.Errorf("delay %d ms: %s saw %d connections", i, id, len(ups))
				}
			}
		})
	}
}

// A service that is full must not keep other services of the node from their
// messages, nor calls from their answers, and gets its own in order later.
func TestFullServiceHoldsUpNobodyElse(t *testing.T) {
	bubble(t, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		w.connect(a, "b")
		slow := record(w, b, "slow", 3)
		b.Register("echo", &echo{})
		for i := range 50 {
			if err := a.Cast(w.t.Context(), "b", "slow", transport.Message{Body: fmt.Append(nil, i)}); err != nil {
				w.t.Fatal(err)
			}
			got, err := a.Call(w.t.Context(), "b", "echo", transport.Message{Body: fmt.Append(nil, i)})
			if err != nil || string(got.Body) != fmt.Sprint(i) {
				w.t.Fatalf("call %d beside a full service: %q, %v", i, got.Body, err)
			}
		}
		if got := slow.bodies(); len(got) != 3 {
			w.t.Fatalf("the full service has %q", got)
		}
		for _, n := range []int{1, 10, -1} {
			slow.take(n)
		}
		got := slow.bodies()
		for i := range 50 {
			if i >= len(got) || got[i] != fmt.Sprint(i) {
				w.t.Fatalf("the service got %q", got)
			}
		}
	})
}

// What a busy service may hold on a connection is bounded: then senders wait,
// nothing is lost, and calls to others still have their answers.
func TestSendersWaitForBusyService(t *testing.T) {
	bubble(t, func(w *world) {
		const window, size, n = 1 << 20, 10_000, 1000
		a := w.start("a", nil)
		b := w.start("b", func(c *transport.Config) { c.Window = window })
		w.connect(a, "b")
		back := record(w, a, "box", -1)
		slow := record(w, b, "slow", 0)
		var sent atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range n {
				body := append(make([]byte, size), fmt.Sprint(i)...)
				if err := a.Cast(w.t.Context(), "b", "slow", transport.Message{Body: body}); err != nil {
					w.t.Error(err)
				}
				sent.Add(1)
			}
		}()
		pass(time.Second)
		if held := sent.Load() * size; held > window+1<<19 || held < window/2 {
			w.t.Errorf("%d bytes were sent to a service that takes none, with a window of %d", held, window)
		}
		if err := b.Cast(w.t.Context(), "a", "box", transport.Message{Body: []byte("other way")}); err != nil || len(back.bodies()) != 1 {
			w.t.Errorf("the other direction: %v", err)
		}
		slow.take(-1)
		<-done
		got := slow.bodies()
		for i := range n {
			if i >= len(got) || got[i][size:] != fmt.Sprint(i) {
				w.t.Fatalf("%d of %d arrived; the %d. is out of order or missing", len(got), n, i)
			}
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		slow.take(0)
		for i := 0; ; i++ {
			if err := a.Cast(ctx, "b", "slow", transport.Message{Body: make([]byte, size)}); err != nil {
				break // the sender's own deadline
			}
			if i > window {
				w.t.Fatal("senders never wait")
			}
		}
	})
}

// contextFor returns a context of the test that ends after d.
func contextFor(w *world, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.t.Context(), d)
}
