package transport_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A keeper keeps the bodies of its casts, and says when it has so many.
type keeper struct {
	mu   sync.Mutex
	got  [][]byte
	want int
	done chan struct{}
}

func (k *keeper) Deliver(d *transport.Delivery) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.got = append(k.got, d.Body); len(k.got) == k.want {
		close(k.done)
	}
	return true
}

func (k *keeper) Cancel(transport.CallRef)  {}
func (k *keeper) LinkDown(transport.LinkID) {}

// Bodies stay as they arrived, however frames and records are cut: memory that
// is read into again has been let go of.
func TestBodiesAreNotOverwritten(t *testing.T) {
	const n = 400
	r := rand.New(rand.NewPCG(1, 2))
	victim := node(t, "victim", nil)
	k := &keeper{want: n, done: make(chan struct{})}
	victim.Register("keeper", k)
	e := newEvil(t, victim)
	var stream []byte
	var want [][]byte
	for i := range n {
		most := []int{10, 1000, 16_000, 16_500, 33_000, wire.BodyMax}[r.IntN(6)]
		body := bytes.Repeat([]byte{byte(i), byte(i >> 8), 0x5a}, 1+r.IntN(most)/3)
		want = append(want, body)
		stream = append(stream, messages(named(wire.KindCast, "keeper", wire.Msg{Body: body}))...)
	}
	for len(stream) > 0 {
		most := []int{5, 300, 20_000, 65_519, 200_000}[r.IntN(5)]
		cut := min(len(stream), 1+r.IntN(most))
		e.say(stream[:cut])
		stream = stream[cut:]
	}
	<-k.done
	for i, got := range k.got {
		if !bytes.Equal(got, want[i]) {
			t.Fatalf("body %d, of %d bytes, is not what was sent", i, len(want[i]))
		}
	}
}

// A long message costs its own length in memory, and not that of the input
// around it.
func TestLongMessagesCostTheirLength(t *testing.T) {
	const n, size = 100, 64 << 10
	victim := node(t, "victim", nil)
	least := uint64(1 << 62)
	for range 5 { // other goroutines and the collector add to what is counted
		k := &keeper{want: n, done: make(chan struct{})}
		victim.Register("keeper", k)
		e := newEvil(t, victim)
		sealed, err := e.s.Seal(nil, flood(n, func(int) wire.Msg { return named(wire.KindCast, "keeper", wire.Msg{Body: make([]byte, size)}) }))
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e.conn.Write(sealed)
		<-k.done
		runtime.ReadMemStats(&after)
		if least = min(least, (after.TotalAlloc-before.TotalAlloc)/n); least <= size*3/2 {
			return
		}
		victim.Unregister("keeper", k, nil)
	}
	t.Errorf("a body of %d bytes costs %d", size, least)
}
