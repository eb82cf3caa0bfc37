package transporttest

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// Conformance tests package transport over a network. Each test has nodes and a
// fabric of its own.
func Conformance(t *testing.T, h Harness) {
	for _, tt := range conformanceTests() {
		t.Run(tt.name, func(t *testing.T) {
			h.run(t, func(t *testing.T, f Fabric) {
				tt.test(&suite{T: t, fabric: f, harness: h})
			})
		})
	}
}

type conformanceTest struct {
	name string
	test func(*suite)
}

func conformanceTests() []conformanceTest {
	return []conformanceTest{
		{"messages of a lane to a server keep their order", testOrder},
		{"messages keep their order when the server is full at times", testOrderWhenFull},
		{"a call ends once and is handled at most once", testCalls},
		{"a call to a missing name fails at once", testMissingName},
		{"calls fail when their node is killed", testKilled},
		{"what is queued arrives in order when the node returns", testQueued},
		{"an overflow by count is reported", testOverflowByCount},
		{"an overflow by bytes is reported", testOverflowByBytes},
		{"two connections of a pair become one", testDuplicates},
		{"a node that leaves has sent everything", testDrain},
		{"force cuts", testForce},
		{"bodies of all lengths", testBodies},
		{"another cookie sees nothing", testWrongCookie},
		{"a node starts again twice", testRestarts},
		{"a cookie is rotated under load", testRotation},
		{"nothing is left of connects and restarts", testLeftovers},
	}
}

// A suite is one test and its nodes.
type suite struct {
	*testing.T
	fabric  Fabric
	harness Harness
}

// cookie1 and cookie2 are cookies of the generated form.
const (
	cookie1 = "clk1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
	cookie2 = "clk1-d4pb2gy3dimboficcuquaeaqdybq2dakbeeaobqfaqbqeaiaaaaa"
)

// A node is a kernel and what it was told.
type node struct {
	*transport.Kernel
	s      *suite
	mu     sync.Mutex
	events []transport.Event
}

// start starts a node, which is closed with the test.
func (s *suite) start(id string, change func(*transport.Config)) *node {
	s.Helper()
	n := &node{s: s}
	c := transport.Config{
		ID: id, Addr: s.fabric.Addr(id), Cookie: cookie1, Network: s.fabric.Node(id), TLS: s.harness.TLS,
		OnEvent: func(e transport.Event) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.events = append(n.events, e)
		},
	}
	if change != nil {
		change(&c)
	}
	k, err := transport.Start(context.Background(), c)
	if err != nil {
		s.Fatal(err)
	}
	n.Kernel = k
	s.Cleanup(k.Abort)
	return n
}

// pair starts nodes a and b and connects them.
func (s *suite) pair() (a, b *node) {
	s.Helper()
	a, b = s.start("a", nil), s.start("b", nil)
	s.connect(a, "b")
	return a, b
}

func (s *suite) connect(from *node, to string) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if id, err := from.Connect(ctx, s.fabric.Addr(to)); err != nil || id != to {
		s.Fatalf("connect to %s: %q, %v", to, id, err)
	}
}

// patience is how long a test waits for what must happen. In a bubble it
// takes no time.
const patience = 60 * time.Second

// await waits until cond holds, and ends the test if it does not in time.
func (s *suite) await(what string, cond func() bool) {
	s.Helper()
	start := time.Now()
	for pause := time.Millisecond; !cond(); pause = min(2*pause, 50*time.Millisecond) {
		if time.Since(start) > patience {
			s.Fatalf("waited %v in vain until %s", patience, what)
		}
		time.Sleep(pause)
	}
}

// seen returns the events of a kind so far.
func (n *node) seen(kind transport.EventKind) []transport.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []transport.Event
	for _, e := range n.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// counted adds up the casts that events of a kind name for a server.
func (n *node) counted(kind transport.EventKind, server string) (casts int) {
	for _, e := range n.seen(kind) {
		if e.Server == server {
			casts += int(e.Count)
		}
	}
	return casts
}

// cast casts and ends the test on an error.
func (n *node) cast(to, server string, m transport.Message) {
	n.s.Helper()
	if err := n.Cast(context.Background(), to, server, m); err != nil {
		n.s.Fatalf("cast to %s@%s: %v", server, to, err)
	}
}

// isConnected reports whether n has a connection to the node.
func (n *node) isConnected(to string) bool {
	p, ok := n.Peer(to)
	return ok && p.Connected
}

// A service keeps what it is given. It answers calls with what answer returns,
// on a goroutine of its own, and has room while full returns false; both may
// be nil.
type service struct {
	name   string
	answer func(d transport.Delivery)
	full   func() bool

	mu      sync.Mutex
	got     []transport.Delivery
	refused []transport.LinkID
	cancels int
}

// serve registers s with a node.
func (n *node) serve(name string, s *service) *service {
	n.s.Helper()
	s.name = name
	if err := n.Register(name, s); err != nil {
		n.s.Fatal(err)
	}
	return s
}

// Deliver takes a message.
func (s *service) Deliver(d *transport.Delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full != nil && s.full() {
		s.refused = append(s.refused, d.Link)
		return false
	}
	s.got = append(s.got, *d)
	if s.answer != nil && !d.Call.IsZero() {
		d := *d
		go s.answer(d)
	}
	return true
}

// Cancel counts.
func (s *service) Cancel(transport.CallRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancels++
}

// LinkDown does nothing.
func (s *service) LinkDown(transport.LinkID) {}

// resume lets the kernel deliver what was refused.
func (s *service) resume() {
	s.mu.Lock()
	refused := s.refused
	s.refused = nil
	s.mu.Unlock()
	for _, l := range refused {
		l.Resume(s.name)
	}
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *service) messages() []transport.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]transport.Delivery(nil), s.got...)
}

// echo answers a call with its body.
func echo(d transport.Delivery) { _ = d.Call.Reply(d.Body) }

// numbered returns a message that carries a number, and size bytes at least.
func numbered(i uint64, size int) transport.Message {
	return transport.Message{Body: append(binary.BigEndian.AppendUint64(nil, i), make([]byte, max(0, size-8))...)}
}

// numberOf returns what [numbered] put into a body.
func numberOf(body []byte) uint64 {
	if len(body) < 8 {
		return 1 << 63
	}
	return binary.BigEndian.Uint64(body)
}

// inOrder reports how messages differ from first, first+1 and so on, n in all.
func inOrder(got []transport.Delivery, first uint64, n int) error {
	for i, d := range got {
		if v := numberOf(d.Body); v != first+uint64(i) {
			return fmt.Errorf("message %d of %d has number %d, want %d", i, len(got), v, first+uint64(i))
		}
	}
	if len(got) != n {
		return fmt.Errorf("%d messages, want %d", len(got), n)
	}
	return nil
}
