package transporttest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// play lets four hosts talk over links with every fault for two seconds, and
// returns the trace and the counts.
func play(t *testing.T, seed uint64) (trace uint64, st transporttest.Stats) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(seed)
		defer n.Close()
		names := []string{"a", "b", "c", "d"}
		for _, name := range names {
			n.Host(name)
		}
		n.Set("*", "*", transporttest.Faults{
			DelayMin: time.Millisecond, DelayMax: 3 * time.Millisecond, Rate: 1 << 20, MSS: 1000,
			Split: 0.1, Lose: 0.05, Reorder: 0.05, Duplicate: 0.05, Corrupt: 0.05, ShortRead: 0.2,
		})
		var work sync.WaitGroup
		var conns []net.Conn
		for i, from := range names {
			for _, to := range names[i+1:] {
				a, b := connect(t, n, from, to)
				conns = append(conns, a, b)
			}
		}
		start := time.Now()
		for i, c := range conns {
			asks := i%2 == 0
			work.Go(func() { // a reader, which answers now and then
				buf := make([]byte, 4096)
				for {
					k, err := c.Read(buf)
					if err != nil {
						return
					}
					if !asks && buf[0]%4 == 0 {
						c.Write(buf[:k/2])
					}
				}
			})
			work.Go(func() { // all who ask write at the same instants
				if !asks {
					return
				}
				rnd := rand.New(rand.NewPCG(99, uint64(i)))
				for turn := range 200 {
					p := make([]byte, 1+rnd.IntN(3000))
					for j := range p {
						p[j] = byte(rnd.Uint32())
					}
					c.Write(p)
					time.Sleep(time.Until(start.Add(time.Duration(turn) * 10 * time.Millisecond)))
				}
				c.Close()
			})
		}
		time.AfterFunc(705*time.Millisecond, func() { n.Cut("a", "b") })
		time.AfterFunc(905*time.Millisecond, func() { n.Heal("a", "b") })
		time.AfterFunc(1505*time.Millisecond, func() { n.Reset("c", "d") })
		work.Wait()
		trace, st = n.Trace(), n.Stats("*", "*")
	})
	return trace, st
}

func TestSameSeedSameDeliveries(t *testing.T) {
	first, st := play(t, 5)
	for range 10 {
		if again, st2 := play(t, 5); again != first || st2 != st {
			t.Fatalf("two runs of seed 5 differ: %x and %x\n%+v\n%+v", first, again, st, st2)
		}
	}
	if other, st2 := play(t, 6); other == first || st2 == st {
		t.Error("another seed gives the same run")
	}
	if st.Lost == 0 || st.Reordered == 0 || st.Duplicated == 0 || st.Corrupted == 0 || st.Split == 0 ||
		st.ShortReads == 0 || st.Vanished == 0 || st.Resets == 0 {
		t.Errorf("some faults never happened: %+v", st)
	}
}

// Each direction of each connection has dice of its own, and they are the
// seed's.
func TestDiceDifferByEndAndSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		arrived := map[string]string{}
		for _, seed := range []uint64{1, 2} {
			n := transporttest.New(seed)
			a, b := connect(t, n, "a", "b")
			c, d := connect(t, n, "a", "b")
			n.Set("*", "*", transporttest.Faults{Lose: 0.5})
			for name, ends := range map[string][2]net.Conn{"a->b": {a, b}, "b->a": {b, a}, "second a->b": {c, d}} {
				got := collect(ends[1])
				for i := range byte(64) {
					write(t, ends[0], string([]byte{i}))
				}
				ends[0].(interface{ CloseWrite() error }).CloseWrite()
				all, err := got()
				if err != nil || len(all) == 0 || len(all) == 64 {
					t.Fatalf("%d bytes arrived, %v", len(all), err)
				}
				if same, ok := arrived[string(all)]; ok {
					t.Errorf("%s of seed %d loses what %s loses", name, seed, same)
				}
				arrived[string(all)] = fmt.Sprintf("%s of seed %d", name, seed)
			}
			n.Close()
		}
	})
}

// No two ends may be woken in the same instant, though all write in the same.
func TestLanesKeepInstantsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		var conns []net.Conn
		for i := range 15 {
			n.Host(fmt.Sprint("n", i))
		}
		for i := range 15 {
			for j := range 15 {
				a, b := connect(t, n, fmt.Sprint("n", i), fmt.Sprint("n", j))
				c, d := connect(t, n, fmt.Sprint("n", i), fmt.Sprint("n", j))
				conns = append(conns, a, b, c, d)
			}
		}
		var mu sync.Mutex
		woken := map[int64]int{}
		var readers sync.WaitGroup
		for i, c := range conns {
			readers.Go(func() {
				for buf := make([]byte, 10); ; {
					if _, err := c.Read(buf); err != nil {
						return
					}
					mu.Lock()
					if other, ok := woken[time.Now().UnixNano()]; ok && other != i {
						t.Errorf("connections %d and %d are woken in the same instant", i, other)
					}
					woken[time.Now().UnixNano()] = i
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Second)
		for range 20 {
			for _, c := range conns {
				write(t, c, "x")
			}
			time.Sleep(10 * time.Millisecond)
		}
		n.Close()
		readers.Wait()
		if len(woken) != 20*len(conns) {
			t.Errorf("%d instants, want %d", len(woken), 20*len(conns))
		}
	})
}

// The end of the bubble proves that a closed network leaves no goroutine,
// whatever waited in it.
func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		a, b := connect(t, n, "a", "b")
		l, err := n.Host("b").Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		n.Host("f")
		n.CutOneWay("a", "f")
		go a.Read(make([]byte, 1))
		go a.Write(make([]byte, 1<<20))
		go a.Write(make([]byte, 1<<20))
		go b.Write(make([]byte, 1<<20))
		go l.Accept()
		go n.Host("a").Dial(context.Background(), "f:1")
		_, frozen := connect(t, n, "a", "f2")
		n.Freeze("f2")
		go frozen.Read(make([]byte, 1))
		go n.Host("f2").Dial(context.Background(), "b:1")
		a.SetReadDeadline(time.Now().Add(time.Hour))
		synctest.Wait()
		n.Close()
		n.Close()
		start := time.Now()
		synctest.Wait()
		if time.Since(start) != 0 {
			t.Error("closing took time")
		}
		if _, err := n.Host("a").Dial(context.Background(), "b:1"); err == nil {
			t.Error("dialed on a closed network")
		}
		if _, err := n.Host("a").Listen("a:1"); err == nil {
			t.Error("listens on a closed network")
		}
	})
}
