package transport_test

import (
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/wire"
)

// A monitor that is read when its connection is gone already watches nothing.
func TestMonitorsOfDeadLinksAreForgotten(t *testing.T) {
	victim := node(t, "victim", nil)
	g := &gate{make(chan struct{}), make(chan struct{})}
	victim.Register("gate", g)
	e := newEvil(t, victim)
	await(t, victim, 1)
	e.say(messages(
		named(wire.KindMonitor, "gate", wire.Msg{Corr: 1}), named(wire.KindCast, "gate", wire.Msg{}),
		named(wire.KindMonitor, "gate", wire.Msg{Corr: 2})))
	<-g.reached
	victim.Drop("evil", true)
	for transport.Watchers(victim) > 0 {
		<-time.After(time.Millisecond)
	}
	close(g.open)
	victim.Close() // waits for the reader
	if n := transport.Watchers(victim); n > 0 {
		t.Errorf("%d monitors are left", n)
	}
}

// Ending many monitors costs no more than making them.
func TestManyMonitorsEndQuickly(t *testing.T) {
	const n = 60_000
	victim := node(t, "victim", nil)
	g := &gate{make(chan struct{}), make(chan struct{})}
	close(g.open)
	victim.Register("gate", g)
	e := newEvil(t, victim)
	start := flood(n, func(i int) wire.Msg { return named(wire.KindMonitor, "gate", wire.Msg{Corr: uint64(i)}) })
	end := flood(n, func(i int) wire.Msg { return wire.Msg{Kind: wire.KindDemonitor, Corr: uint64(n - 1 - i)} })
	within(t, 10*time.Second, "making and ending many monitors", func() {
		e.say(append(append(start, end...), messages(named(wire.KindCast, "gate", wire.Msg{}))...))
		<-g.reached
	})
	if left := transport.Watchers(victim); left > 0 {
		t.Errorf("%d monitors are left", left)
	}
}

// The number of a monitor may be used again once it ended, and not before.
func TestNumbersOfMonitors(t *testing.T) {
	monitor, end := named(wire.KindMonitor, "hole", wire.Msg{Corr: 1}), wire.Msg{Kind: wire.KindDemonitor, Corr: 1}
	for cut, stream := range map[bool][]byte{false: messages(monitor, end, monitor, end, end), true: messages(monitor, monitor)} {
		victim := node(t, "victim", nil)
		victim.Register("hole", &hole{})
		e := newEvil(t, victim)
		if e.say(stream); e.isCutOff(50*time.Millisecond) != cut {
			t.Errorf("cut off: %v, want %v", !cut, cut)
		}
	}
}
