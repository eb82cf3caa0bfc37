package transporttest_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clusterluck/clusterluck/transport/transporttest"
)

type faults = transporttest.Faults

func TestDelayAndRate(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		f     faults
		sizes []int           // written at once
		want  []time.Duration // when each has arrived
	}{
		{"nothing set", faults{}, []int{10, 10}, []time.Duration{0, 0}},
		{"delay", faults{DelayMin: 5 * ms, DelayMax: 5 * ms}, []int{10, 10}, []time.Duration{5 * ms, 5 * ms}},
		{"only the least delay is set", faults{DelayMin: 5 * ms}, []int{10}, []time.Duration{5 * ms}},
		{"rate", faults{Rate: 10_000}, []int{100, 50}, []time.Duration{10 * ms, 15 * ms}},
		{"both", faults{Rate: 10_000, DelayMin: ms}, []int{100, 50}, []time.Duration{11 * ms, 16 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := transporttest.New(1)
				defer n.Close()
				a, b := connect(t, n, "a", "b")
				n.Set("a", "b", tt.f)
				start := time.Now()
				for _, size := range tt.sizes {
					write(t, a, string(make([]byte, size)))
				}
				between(t, "writing", time.Since(start), 0, 0)
				for i, size := range tt.sizes {
					read(t, b, string(make([]byte, size)))
					between(t, "arriving", time.Since(start), tt.want[i], 2*turn)
				}
				start = time.Now()
				write(t, b, "back")
				read(t, a, "back")
				between(t, "the way back", time.Since(start), 0, turn)
			})
		})
	}
}

// A delay that varies must not let bytes overtake.
func TestDelayKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		n.Set("*", "*", faults{DelayMin: time.Millisecond, DelayMax: 50 * time.Millisecond})
		a, b := connect(t, n, "a", "b")
		got := collect(b)
		var want []byte
		for i := range byte(200) {
			write(t, a, string([]byte{i}))
			want = append(want, i)
			time.Sleep(time.Millisecond)
		}
		a.Close()
		if all, err := got(); err != nil || !bytes.Equal(all, want) {
			t.Errorf("read %v, %v", all, err)
		}
		if st := n.Stats("a", "b"); st.Reordered != 0 || st.Segments != 200 {
			t.Errorf("stats %+v", st)
		}
	})
}

// Segments carry their number; what arrives must differ from what was sent by
// exactly the faults that were counted, and each fault must have happened.
func TestSegmentFaults(t *testing.T) {
	const segments, size = 2000, 8
	tests := []struct {
		name  string
		f     faults
		check func(t *testing.T, got []uint64, st transporttest.Stats)
	}{
		{"none", faults{}, func(t *testing.T, got []uint64, st transporttest.Stats) {
			if len(got) != segments || !slices.IsSorted(got) {
				t.Errorf("%d segments, sorted: %v", len(got), slices.IsSorted(got))
			}
		}},
		{"lose", faults{Lose: 0.1}, func(t *testing.T, got []uint64, st transporttest.Stats) {
			if st.Lost < 100 || len(got) != segments-st.Lost || !slices.IsSorted(got) {
				t.Errorf("%d arrived, %d counted as lost", len(got), st.Lost)
			}
		}},
		{"duplicate", faults{Duplicate: 0.1}, func(t *testing.T, got []uint64, st transporttest.Stats) {
			if st.Duplicated < 100 || len(got) != segments+st.Duplicated || len(slices.Compact(got)) != segments {
				t.Errorf("%d arrived, %d counted as duplicates", len(got), st.Duplicated)
			}
		}},
		{"reorder", faults{Reorder: 0.1}, func(t *testing.T, got []uint64, st transporttest.Stats) {
			swaps := 0
			for i := range got {
				if i > 0 && got[i] < got[i-1] {
					swaps++
				}
			}
			if swaps < 100 || swaps != st.Reordered {
				t.Errorf("%d swapped, %d counted", swaps, st.Reordered)
			}
			slices.Sort(got)
			if len(got) != segments || len(slices.Compact(got)) != segments {
				t.Errorf("%d segments arrived", len(got))
			}
		}},
		{"corrupt", faults{Corrupt: 0.1}, func(t *testing.T, got []uint64, st transporttest.Stats) {
			flipped := 0
			for i, v := range got {
				switch v ^ uint64(i) {
				case 0:
				default:
					flipped++
					if x := v ^ uint64(i); x&(x-1) != 0 {
						t.Fatalf("segment %d arrives as %x: more than one bit differs", i, v)
					}
				}
			}
			if flipped < 100 || flipped != st.Corrupted {
				t.Errorf("%d altered, %d counted", flipped, st.Corrupted)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := transporttest.New(7)
				defer n.Close()
				a, b := connect(t, n, "a", "b")
				n.Set("a", "b", tt.f)
				all := collect(b)
				for i := range uint64(segments) {
					write(t, a, string(binary.BigEndian.AppendUint64(nil, i)))
					if i%10 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
				a.Close()
				bytes, err := all()
				if err != nil || len(bytes)%size != 0 {
					t.Fatalf("read %d bytes, %v", len(bytes), err)
				}
				var got []uint64
				for i := 0; i < len(bytes); i += size {
					got = append(got, binary.BigEndian.Uint64(bytes[i:]))
				}
				st := n.Stats("a", "b")
				if st.Segments != segments || st.Bytes != segments*size {
					t.Errorf("counted %d segments of %d bytes", st.Segments, st.Bytes)
				}
				tt.check(t, got, st)
				if back := n.Stats("b", "a"); back.Segments != 0 || back.Lost+back.Corrupted+back.Duplicated != 0 {
					t.Errorf("the other direction counts %+v", back)
				}
			})
		})
	}
}

// Faults that a stream must not notice: pieces, and reads cut short.
func TestPiecesKeepTheStream(t *testing.T) {
	tests := []struct {
		name  string
		f     faults
		reads int // at least
		check func(st transporttest.Stats) bool
	}{
		{"MSS", faults{MSS: 100}, 1, func(st transporttest.Stats) bool { return st.Segments == 100 }},
		{"split", faults{Split: 1}, 200, func(st transporttest.Stats) bool { return st.Split == 100 && st.Segments == 200 }},
		{"short reads", faults{ShortRead: 1}, 200, func(st transporttest.Stats) bool { return st.ShortReads >= 100 }},
		{"all", faults{MSS: 70, Split: 0.5, ShortRead: 0.5}, 150, func(st transporttest.Stats) bool {
			return st.Segments > 200 && st.Split > 20 && st.ShortReads > 20
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := transporttest.New(3)
				defer n.Close()
				a, b := connect(t, n, "a", "b")
				n.Set("a", "b", tt.f)
				var want []byte
				var writer sync.WaitGroup
				writer.Go(func() {
					for i := range 100 {
						p := bytes.Repeat([]byte{byte(i)}, 100)
						want = append(want, p...)
						a.Write(p)
						time.Sleep(time.Millisecond)
					}
					a.Close()
				})
				var got []byte
				buf, reads := make([]byte, 1000), 0
				for {
					k, err := b.Read(buf)
					got = append(got, buf[:k]...)
					if err == io.EOF {
						break
					}
					if reads++; err != nil || k == 0 {
						t.Fatalf("read %d bytes, %v", k, err)
					}
				}
				writer.Wait()
				st := n.Stats("a", "b")
				if !bytes.Equal(got, want) || reads < tt.reads || !tt.check(st) {
					t.Errorf("%d reads, equal: %v, stats %+v", reads, bytes.Equal(got, want), st)
				}
			})
		})
	}
}

// A cut is silent: what was under way or is sent is gone, writers feel it only
// when their buffer is full, and dials wait. After it there is a hole.
func TestCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		n.Set("*", "*", faults{DelayMin: time.Millisecond})
		a, b := connect(t, n, "a", "b")
		write(t, a, "under way")
		n.Cut("a", "b")
		write(t, a, "lost")
		write(t, b, "lost too")
		b.SetReadDeadline(time.Now().Add(time.Hour))
		readErr(t, b, os.ErrDeadlineExceeded)

		a.SetWriteDeadline(time.Now().Add(time.Second))
		wrote, err := a.Write(make([]byte, 1<<20))
		if want := transporttest.BufferDefault - len("under way"+"lost"); wrote != want || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d into the cut, %v, want %d", wrote, err, want)
		}
		if got, want := n.Stats("a", "b").Vanished, transporttest.BufferDefault; got != want {
			t.Errorf("%d bytes vanished, want %d", got, want)
		}

		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := n.Host("a").Dial(ctx, "b:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial into the cut: %v", err)
		}
		between(t, "the dial", time.Since(start), 2*time.Second, 0)

		n.Heal("a", "b")
		a.SetWriteDeadline(time.Time{})
		b.SetReadDeadline(time.Time{})
		time.Sleep(2 * time.Millisecond)
		write(t, a, string(make([]byte, transporttest.BufferDefault)))
		n.Cut("a", "b") // with all of it under way
		n.Heal("a", "b")
		read(t, b, string(make([]byte, transporttest.BufferDefault)))
		write(t, a, string(make([]byte, transporttest.BufferDefault)))
		n.Cut("a", "b")
		time.Sleep(2 * time.Millisecond)
		n.Heal("a", "b")
		write(t, a, "after")
		read(t, b, "after")
		write(t, b, "back")
		read(t, a, "back")
		var writer sync.WaitGroup
		writer.Go(func() { write(t, a, string(make([]byte, 200_000))) })
		read(t, b, string(make([]byte, 200_000))) // the room has come back
		writer.Wait()
	})
}

// A dial that nobody answers asks again, and gives up after 127 seconds.
func TestDialIntoACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a := n.Host("a")
		l, err := n.Host("b").Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range [][2]string{{"a", "b"}, {"b", "a"}} {
			n.CutOneWay(way[0], way[1])
			start := time.Now()
			accepted := make(chan time.Time, 1)
			go func() {
				if _, err := l.Accept(); err == nil {
					accepted <- time.Now()
				}
			}()
			if _, err := a.Dial(context.Background(), "b:1"); !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("dial with %s->%s cut: %v", way[0], way[1], err)
			}
			between(t, "the dial", time.Since(start), 127*time.Second, 10*turn)

			start = time.Now()
			time.AfterFunc(2*time.Second, func() { n.Heal("a", "b") })
			if _, err := a.Dial(context.Background(), "b:1"); err != nil {
				t.Errorf("dial with %s->%s cut for 2 s: %v", way[0], way[1], err)
			}
			between(t, "the dial", time.Since(start), 3*time.Second, 10*turn)
			between(t, "accepting", (<-accepted).Sub(start), 3*time.Second, 10*turn)
		}
	})
}

func TestCutOneWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		n.CutOneWay("a", "b")
		write(t, a, "lost")
		write(t, b, "arrives")
		read(t, a, "arrives")
		b.SetReadDeadline(time.Now().Add(time.Hour))
		readErr(t, b, os.ErrDeadlineExceeded)

		// That a has read it travels the way that is cut.
		b.SetWriteDeadline(time.Now().Add(time.Second))
		go io.Copy(io.Discard, a)
		wrote, err := b.Write(make([]byte, 1<<20))
		if want := transporttest.BufferDefault - len("arrives"); wrote != want || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v, want %d", wrote, err, want)
		}
		n.Heal("*", "*")
		b.SetWriteDeadline(time.Time{})
		write(t, b, string(make([]byte, 1<<20)))
	})
}

// What a hold keeps back arrives after it, whole and in order.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		n.Hold("a", "b")
		b.SetReadDeadline(time.Now().Add(time.Second))
		write(t, a, "x")
		readErr(t, b, os.ErrDeadlineExceeded)
		b.SetReadDeadline(time.Now().Add(time.Second))
		if got := readErr(t, b, os.ErrDeadlineExceeded); len(got) > 0 {
			t.Errorf("read %q in the hold", got)
		}
		b.SetReadDeadline(time.Time{})
		start := time.Now()
		all := collect(b)
		var writer sync.WaitGroup
		writer.Go(func() {
			write(t, a, string(make([]byte, 100_000-1)))
			a.Close()
		})
		dialed := make(chan error)
		l, _ := n.Host("b").Listen("b:1")
		defer l.Close()
		go func() { dialed <- second(n.Host("a").Dial(context.Background(), "b:1")) }()
		time.Sleep(time.Minute)
		n.Heal("a", "b")
		got, err := all()
		if len(got) != 100_000 || err != nil {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if err := <-dialed; err != nil {
			t.Error(err)
		}
		between(t, "the hold", time.Since(start), time.Minute, 20*turn)
		writer.Wait()
	})
}

func TestReset(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := connect(t, n, "a", "b")
		c, d := connect(t, n, "b", "a") // dialed the other way
		e, f := connect(t, n, "a", "c")
		write(t, a, "x")
		read(t, b, "x")
		n.Change("a", "b", func(f *faults) { f.DelayMin = time.Hour })
		write(t, a, "under way")
		n.Reset("a", "b")
		for _, end := range []net.Conn{a, b, c, d} {
			if got := readErr(t, end, syscall.ECONNRESET); len(got) > 0 {
				t.Errorf("read %q, which was under way", got)
			}
			if _, err := end.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("write after the reset: %v", err)
			}
		}
		write(t, e, "not concerned")
		read(t, f, "not concerned")
		if got := n.Stats("*", "*").Resets; got != 4 {
			t.Errorf("%d resets counted, want 4", got)
		}
	})
}

// A killed host is gone at once for itself, and for its peers as soon as its
// resets reach them. Its name can start anew.
func TestKill(t *testing.T) {
	both(t, func(t *testing.T, n *transporttest.Network) {
		a, b := connect(t, n, "a", "b")
		killed := n.Host("b")
		l, err := killed.Listen("b:7000")
		if err != nil {
			t.Fatal(err)
		}
		accepting := make(chan error)
		go func() { accepting <- second(l.Accept()) }()
		write(t, b, "last words")
		write(t, a, "unread")
		read(t, b, "un")
		n.Kill("b")
		if got := readErr(t, b, syscall.ECONNRESET); len(got) > 0 {
			t.Errorf("the killed host reads %q", got)
		}
		if err := <-accepting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept on the killed host: %v", err)
		}
		if err := second(killed.Dial(context.Background(), "a:1")); !errors.Is(err, syscall.ENETDOWN) {
			t.Errorf("dial from the killed host: %v", err)
		}
		if err := second(killed.Listen("b:1")); !errors.Is(err, syscall.ENETDOWN) {
			t.Errorf("listen on the killed host: %v", err)
		}
		if got := readErr(t, a, syscall.ECONNRESET); string(got) != "last words" {
			t.Errorf("the peer reads %q before the reset", got)
		}
		if err := second(n.Host("a").Dial(context.Background(), "b:7000")); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial to the killed host: %v", err)
		}
		n.Kill("b") // once more does nothing

		if n.Host("b") == killed {
			t.Fatal("the killed host lives on")
		}
		a, b = connect(t, n, "a", "b")
		write(t, a, "again")
		read(t, b, "again")
	})
}

// A kill that a cut hides is noticed when the peer next sends through.
func TestKillBehindACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, _ := connect(t, n, "a", "b")
		n.Cut("a", "b")
		n.Kill("b")
		n.Heal("a", "b")
		a.SetReadDeadline(time.Now().Add(time.Hour))
		readErr(t, a, os.ErrDeadlineExceeded)
		a.SetReadDeadline(time.Time{})
		write(t, a, "anybody there?")
		readErr(t, a, syscall.ECONNRESET)
	})
}

// A frozen host takes connections and bytes and does nothing with them; none
// of its calls returns, not even for a deadline. All goes on when it thaws.
func TestFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		l, err := n.Host("b").Listen("b:7000")
		if err != nil {
			t.Fatal(err)
		}
		n.Freeze("b")
		start := time.Now()

		returned := make(chan string, 9)
		call := func(name string, f func()) {
			go func() {
				f()
				returned <- name
			}()
		}
		late, _ := connectLate(t, n, l)
		b.SetWriteDeadline(time.Now().Add(time.Second))
		call("read", func() { read(t, b, "for later") })
		call("write", func() {
			if _, err := b.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the write ends with %v", err)
			}
		})
		call("accept", func() { l.Accept() })
		call("dial", func() { n.Host("b").Dial(context.Background(), "a:1") })
		write(t, a, "for later")
		write(t, late, "to the backlog")
		a.SetWriteDeadline(time.Now().Add(time.Second))
		if wrote, err := a.Write(make([]byte, 1<<20)); wrote != transporttest.BufferDefault-len("for later") || err == nil {
			t.Errorf("wrote %d, %v", wrote, err)
		}
		time.Sleep(time.Hour)
		if len(returned) > 0 {
			t.Fatalf("%s returned while the host was frozen", <-returned)
		}

		n.Thaw("b")
		for range 4 {
			<-returned
		}
		between(t, "the freeze", time.Since(start), time.Hour, 2*time.Second)
	})
}

func connectLate(t *testing.T, n *transporttest.Network, l net.Listener) (net.Conn, error) {
	t.Helper()
	c, err := n.Host("a").Dial(context.Background(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return c, err
}

// Closing returns on a frozen host, but the peer learns of it after the thaw;
// a kill ends what hangs.
func TestFreezeThenCloseOrKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		c, d := connect(t, n, "a", "b")
		n.Freeze("b")
		b.Close()
		d.(interface{ CloseWrite() error }).CloseWrite()
		for _, peer := range []net.Conn{a, c} {
			peer.SetReadDeadline(time.Now().Add(time.Minute))
			readErr(t, peer, os.ErrDeadlineExceeded)
			peer.SetReadDeadline(time.Time{})
		}
		n.Thaw("b")
		readErr(t, a, io.EOF)
		readErr(t, c, io.EOF)

		n.Freeze("b")
		ended := make(chan error)
		go func() { ended <- second(d.Read(make([]byte, 1))) }()
		synctest.Wait()
		n.Kill("b")
		if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read ends with %v", err)
		}
	})
}

// A reset and the answer to a dial that come in a freeze are noticed after it.
func TestFreezeHidesWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		_, b := connect(t, n, "a", "b")
		if _, err := n.Host("a").Listen("a:1"); err != nil {
			t.Fatal(err)
		}
		n.Set("*", "*", faults{DelayMin: time.Second})
		returned := make(chan error, 3)
		go func() { returned <- second(n.Host("b").Dial(context.Background(), "a:1")) }()
		synctest.Wait()
		n.Freeze("b")
		n.Reset("a", "b")
		time.Sleep(time.Minute)
		go func() { returned <- second(b.Write([]byte("x"))) }()
		go func() { returned <- second(b.Read(make([]byte, 1))) }()
		time.Sleep(time.Minute)
		if len(returned) > 0 {
			t.Fatalf("a call returned in the freeze: %v", <-returned)
		}
		n.Thaw("b")
		failed := 0
		for range 3 {
			if err := <-returned; errors.Is(err, syscall.ECONNRESET) {
				failed++
			} else if err != nil {
				t.Error(err)
			}
		}
		if failed != 2 {
			t.Errorf("%d calls failed, want 2", failed)
		}
	})
}

// Changes add up, for links made before and after; the last one decides.
func TestChangeAndAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := transporttest.New(1)
		defer n.Close()
		a, b := connect(t, n, "a", "b")
		n.Set("*", "*", faults{DelayMin: time.Second})
		n.Change("a", "*", func(f *faults) { f.DelayMin *= 3 })
		n.Change("a", "b", func(f *faults) { f.DelayMin *= 2 })
		c, d := connect(t, n, "a", "c")
		e, f := connect(t, n, "a", "a")
		for _, tt := range []struct {
			name     string
			from, to net.Conn
			want     time.Duration
		}{
			{"a->b", a, b, 6 * time.Second}, {"b->a", b, a, time.Second},
			{"a->c", c, d, 3 * time.Second}, {"a->a", e, f, 0},
		} {
			start := time.Now()
			write(t, tt.from, "x")
			read(t, tt.to, "x")
			between(t, tt.name, time.Since(start), tt.want, turn)
		}
	})
}

func TestUnknownHostPanics(t *testing.T) {
	n := transporttest.New(1)
	defer n.Close()
	n.Host("a")
	for name, call := range map[string]func(){
		"cut": func() { n.Cut("a", "b") }, "kill": func() { n.Kill("b") }, "freeze": func() { n.Freeze("b") },
		"refuse": func() { n.Refuse("b") }, "reset": func() { n.Reset("b", "a") }, "stats": func() { n.Stats("a", "b") },
		"a host without a name": func() { n.Host("") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of a host that was never made does not panic", name)
				}
			}()
			call()
		}()
	}
}
