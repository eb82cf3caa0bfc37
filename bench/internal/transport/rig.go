package transport

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/erlang"
	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/measure"
	"github.com/clusterluck/clusterluck/bench/internal/pair"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// sampleMax is how long a sample may take before its server is killed.
const sampleMax = 30 * time.Second

// A loader puts loads on a pair of processes. See package load.
type loader interface {
	Latency(d time.Duration) (load.Times, error)
	Rate(outstanding int, d time.Duration) (load.Calls, error)
	OneWay(size, n int) (load.Flow, error)
	Beside(bytes int, d time.Duration) (load.Times, float64, error)
	// PIDs returns the ids of the processes that serve, and of those that call if
	// it is not this one.
	PIDs() []int
	// Kill ends the serving process at once. Another goroutine may call it.
	Kill()
	Close() error
}

// goPair is the loader of a system that is written in Go.
type goPair struct{ *pair.Pair }

func (p goPair) Latency(d time.Duration) (load.Times, error)     { return load.Latency(p.Pair, d) }
func (p goPair) Rate(n int, d time.Duration) (load.Calls, error) { return load.Rate(p.Pair, n, d) }
func (p goPair) OneWay(size, n int) (load.Flow, error)           { return load.OneWay(p.Pair, size, n) }
func (p goPair) Beside(n int, d time.Duration) (load.Times, float64, error) {
	return load.Beside(p.Pair, n, d)
}

// PIDs returns the id of the serving process.
func (p goPair) PIDs() []int { return []int{p.PID()} }

// A rig is a contender and its processes, which are started when they are
// needed.
type rig struct {
	name, note string
	kind       system.Kind
	twin       *rig // the same with encryption, of a plain one
	callsMax   int
	start      func() (loader, error) // nil: it does not go to other processes
	local      func() (localLoader, error)
	up         loader
	gone       error         // why it can never be started
	limit      time.Duration // of a sample; 0: sampleMax
	counts     map[int]int
}

// rigs returns every contender.
func rigs() []*rig {
	var all []*rig
	for _, s := range system.All() {
		r := &rig{name: s.Name, kind: s.Kind, note: s.Note, callsMax: s.CallsMax, counts: make(map[int]int)}
		if s.Serve != nil {
			r.start = func() (loader, error) {
				p, err := pair.Start(s)
				if err != nil {
					return nil, err
				}
				return goPair{p}, nil
			}
		}
		if s.Local != nil {
			r.local = func() (localLoader, error) {
				l, err := s.Local()
				if err != nil {
					return nil, err
				}
				return goLocal{l}, nil
			}
		}
		if i := slices.IndexFunc(all, func(o *rig) bool { return o.name == s.Twin }); i >= 0 {
			r.twin = all[i] // it stands before
		}
		all = append(all, r)
	}
	return append(all, erlangRig())
}

// erlangRig is the contender that is not written in Go.
func erlangRig() *rig {
	r := &rig{
		name: erlangName, kind: system.Rival, counts: make(map[int]int),
		note: "gen_server:call and cast between two nodes of Erlang/OTP; the load is made in Erlang too",
	}
	r.start = func() (loader, error) {
		n, err := erlang.Start()
		if err != nil {
			return nil, err
		}
		return n, nil
	}
	r.local = func() (localLoader, error) {
		n, err := erlang.Start()
		if err != nil {
			return nil, err
		}
		return erlangLocal{n}, nil
	}
	return r
}

const erlangName = "erlang"

// remote returns the rigs that go to other processes and may have that many calls
// outstanding.
func (b *bench) remote(outstanding int) (out []*rig) {
	for _, r := range b.all() {
		if r.start != nil && (r.callsMax == 0 || r.callsMax >= outstanding) {
			out = append(out, r)
		}
	}
	return out
}

// use runs f with the rig's processes, which it starts if there are none. They
// are killed if f takes too long, and stopped after an error, so that the next
// sample begins with new ones.
func (r *rig) use(f func(loader) error) error {
	if r.gone != nil {
		return r.gone
	}
	if r.up == nil {
		up, err := r.start()
		switch {
		case errors.Is(err, erlang.ErrMissing):
			r.gone = err
		case err != nil: // some must choose a port before they listen, and may lose it
			up, err = r.start()
		}
		if err != nil {
			return err
		}
		r.up = up
	}
	limit := sampleMax
	if r.limit > 0 {
		limit = r.limit
	}
	late := time.AfterFunc(limit, r.up.Kill)
	err := f(r.up)
	if !late.Stop() {
		err = errors.Join(fmt.Errorf("killed after %v", limit), err)
	}
	if err != nil {
		r.stop()
	}
	return err
}

// stop ends the processes, if there are any.
func (r *rig) stop() {
	if r.up == nil {
		return
	}
	_ = r.up.Close() // it was killed, or fails now: it is gone either way
	r.up = nil
}

// cpu returns the CPU time that the rig's processes take while f runs, this one
// included, 0 if the system does not tell.
func cpu(l loader, f func() error) (time.Duration, error) {
	sum := func() time.Duration {
		t := measure.Process.Now()
		for _, pid := range l.PIDs() {
			of, _ := measure.OfProcess(pid)
			t += of
		}
		return t
	}
	before := sum()
	err := f()
	return sum() - before, err
}
