package transport_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A talker answers every call with so many bytes.
type talker int

func (s talker) Deliver(d *transport.Delivery) bool {
	go d.Call.Reply(make([]byte, s))
	return true
}

func (talker) Cancel(transport.CallRef)  {}
func (talker) LinkDown(transport.LinkID) {}

// await waits until the node has so many links.
func await(t *testing.T, k *transport.Kernel, links int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); k.Stats().Links != links; {
		if time.Now().After(deadline) {
			t.Fatalf("the node has %d links, want %d", k.Stats().Links, links)
		}
		<-time.After(time.Millisecond)
	}
}

// A member that makes a node say much, or keep much, and takes nothing of it is
// cut off before that fills the memory.
func TestMembersThatTakeNothing(t *testing.T) {
	const streams, monitors = 70, 30_000
	var chunks []byte
	for sid := range uint64(streams) {
		chunks = append(chunks, messages(named(wire.KindOpen, "hole", wire.Msg{Mode: wire.ModeCallStream, Sid: sid, Corr: sid, TTL: 60_000, Body: []byte{}}))...)
		for range 16 {
			chunks = wire.AppendData(chunks, sid, make([]byte, wire.ChunkMax))
		}
		chunks = wire.AppendEnd(chunks, sid, "", "")
	}
	tests := []struct {
		name   string
		stream []byte
		opens  int // monitors
	}{
		{"news of servers that end", flood(monitors, func(i int) wire.Msg { return named(wire.KindMonitor, "wall", wire.Msg{Corr: uint64(i)}) }), monitors},
		{"long answers", flood(400, func(i int) wire.Msg { return named(wire.KindCall, "talker", wire.Msg{Corr: uint64(i), TTL: 60_000}) }), 0},
		{"streams that have ended", chunks, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			victim := node(t, "victim", func(c *transport.Config) { c.BodyMax, c.Window = 128<<10, 256<<10 })
			w := newWall()
			victim.Register("wall", w)
			victim.Register("hole", &hole{})
			victim.Register("talker", talker(100<<10))
			e := newEvil(t, victim)
			await(t, victim, 1)
			e.say(tt.stream)
			for deadline := time.Now().Add(20 * time.Second); transport.Watchers(victim) < tt.opens && time.Now().Before(deadline); {
				<-time.After(time.Millisecond)
			}
			victim.Unregister("wall", w, errors.New(strings.Repeat("x", wire.TextMax)))
			await(t, victim, 0)
		})
	}
}

// A peer that never tells what it has is sent no more than can be accounted for.
func TestRequestsWaitToBeAcknowledged(t *testing.T) {
	victim := node(t, "victim", nil)
	e := newEvil(t, victim)
	await(t, victim, 1)
	go func() { // reads, and lets more come
		var b []byte
		for granted := 0; ; {
			var err error
			if b, err = e.s.Read(b); err != nil {
				return
			}
			for len(b) >= 4 && len(b) >= 4+int(binary.BigEndian.Uint32(b)) {
				n := 4 + int(binary.BigEndian.Uint32(b))
				if b[5] == byte(wire.KindCast) {
					granted += n
				}
				b = b[n:]
			}
			if granted > 1<<18 {
				e.say(wire.AppendCredit(nil, 0, uint64(granted)))
				granted = 0
			}
		}
	}()
	const most = 1 << 18
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sent.Load() < 2*most && victim.Cast(t.Context(), "evil", "box", transport.Message{}) == nil {
			sent.Add(1)
		}
	}()
	for sent.Load() < most {
		<-time.After(time.Millisecond)
	}
	<-time.After(200 * time.Millisecond) // for more than may be sent
	e.conn.Close()
	<-done
	if n := sent.Load(); n > most+1<<16 {
		t.Errorf("%d requests were sent to a peer that told of none, want about %d", n, most)
	}
}
