package transport_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
)

// An echo answers each call with its body, on a goroutine of its own.
type echo struct{ casts chan string }

func (e *echo) Deliver(d *transport.Delivery) bool {
	if d.Call.IsZero() {
		e.casts <- string(d.Body)
		return true
	}
	call, body := d.Call, d.Body
	go call.Reply(body)
	return true
}

func (e *echo) Cancel(transport.CallRef)  {}
func (e *echo) LinkDown(transport.LinkID) {}

const cookie = "clk1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"

// node starts a kernel on loopback.
func node(t testing.TB, id string, change func(*transport.Config)) *transport.Kernel {
	t.Helper()
	c := transport.Config{ID: id, Addr: "127.0.0.1:0", Cookie: cookie}
	if change != nil {
		change(&c)
	}
	k, err := transport.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func TestCallReachesAnotherNode(t *testing.T) {
	a, b := node(t, "a", nil), node(t, "b", nil)
	e := &echo{casts: make(chan string, 10)}
	if err := b.Register("echo", e); err != nil {
		t.Fatal(err)
	}
	if id, err := a.Connect(t.Context(), b.Addr()); err != nil || id != "b" {
		t.Fatalf("Connect = %q, %v", id, err)
	}
	for i := range 100 {
		want := fmt.Sprint("hello ", i)
		got, err := a.Call(t.Context(), "b", "echo", transport.Message{Body: []byte(want)})
		if err != nil || string(got.Body) != want {
			t.Fatalf("Call = %q, %v, want %q", got.Body, err, want)
		}
	}
	start := time.Now()
	_, err := a.Call(t.Context(), "b", "nobody", transport.Message{})
	if !errors.Is(err, transport.ErrNoServer) || time.Since(start) > 100*time.Millisecond {
		t.Fatalf("a call to nobody: %v after %v", err, time.Since(start))
	}
	big := make([]byte, 5<<20)
	for i := range big {
		big[i] = byte(i * 7)
	}
	got, err := a.Call(t.Context(), "b", "echo", transport.Message{Body: big})
	if err != nil || string(got.Body) != string(big) {
		t.Fatalf("a long call: %d bytes, %v", len(got.Body), err)
	}
	if err := a.Cast(t.Context(), "b", "echo", transport.Message{Body: []byte("cast")}); err != nil {
		t.Fatal(err)
	}
	if got := <-e.casts; got != "cast" {
		t.Fatalf("cast arrived as %q", got)
	}
	if rtt, err := b.Ping(t.Context(), "a"); err != nil || rtt <= 0 {
		t.Fatalf("Ping = %v, %v", rtt, err)
	}
}

// More than the socket takes at once is written in order, by whoever may wait.
func TestManyLongCallsOverTCP(t *testing.T) {
	a, b := node(t, "a", nil), node(t, "b", nil)
	b.Register("echo", &echo{})
	if _, err := a.Connect(t.Context(), b.Addr()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 200 {
		wait.Go(func() {
			for j := range 5 {
				want := strings.Repeat(fmt.Sprintf("%d-%d ", i, j), 6000)
				got, err := a.Call(t.Context(), "b", "echo", transport.Message{Body: []byte(want)})
				if err != nil || string(got.Body) != want {
					t.Errorf("call %d of caller %d: %d bytes of %d, %v", j, i, len(got.Body), len(want), err)
				}
			}
		})
	}
	wait.Wait()
}
