package genserver_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// A family is a group of children whose starts and stops are logged.
type family struct {
	*place
	log log[string]

	mu   sync.Mutex
	fail map[string]int // how often the init of a child fails from now on
}

func (f *family) failing(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail[name]--
	return f.fail[name] >= 0
}

// child is a server that counts, and that can be made to crash.
func (f *family) child(name string, restart genserver.Restart) genserver.Child {
	return genserver.Child{Name: name, Restart: restart, Init: func(_ context.Context, s *genserver.Server) error {
		if f.failing(name) {
			return errors.New("not today")
		}
		f.log.add("+" + name)
		s.OnStop(func(error) { f.log.add("-" + name) })
		n := 0
		genserver.Handle(s, "count", func(context.Context, genserver.From, any) (int, error) {
			n++
			return n, nil
		})
		genserver.Handle(s, "crash", func(_ context.Context, _ genserver.From, d time.Duration) (int, error) {
			pass(d)
			panic("as planned")
		})
		genserver.Handle(s, "stop", func(ctx context.Context, _ genserver.From, _ any) (bool, error) { return true, s.Stop(ctx) })
		genserver.Handle(s, "hang", func(ctx context.Context, _ genserver.From, d time.Duration) (bool, error) {
			pass(d)
			return true, nil
		})
		return nil
	}}
}

// supervised starts three children, and forgets that it logged that.
func supervised(p *place, g genserver.Group, restarts ...genserver.Restart) (*family, *genserver.Server) {
	p.t.Helper()
	f := &family{place: p, fail: make(map[string]int)}
	for i, name := range []string{"x", "y", "z"} {
		restart := genserver.Permanent
		if i < len(restarts) {
			restart = restarts[i]
		}
		g.Children = append(g.Children, f.child(name, restart))
	}
	s := p.start("sup", genserver.Supervise(g))
	f.expect("+x +y +z")
	return f, s
}

// expect compares what happened since the last call.
func (f *family) expect(want string) {
	f.t.Helper()
	f.log.list()
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	if got := strings.Join(f.log.all, " "); got != want {
		f.t.Errorf("children did %q, want %q", got, want)
	}
	f.log.all = nil
}

func (f *family) crash(name string) {
	f.t.Helper()
	_, err := call[int](f.place, name, "crash", time.Duration(0))
	want(f.t, err, transport.ErrCrashed)
}

func TestStrategies(t *testing.T) {
	for strategy, does := range map[genserver.Strategy]string{
		genserver.OneForOne:  "-y +y",
		genserver.OneForAll:  "-y -z -x +x +y +z",
		genserver.RestForOne: "-y -z +y +z",
	} {
		everywhere(t, func(p *place) {
			f, s := supervised(p, genserver.Group{Strategy: strategy})
			for _, name := range []string{"x", "y", "z"} {
				for range 2 {
					if _, err := call[int](p, name, "count", nil); err != nil {
						p.t.Fatal(err)
					}
				}
			}
			f.crash("y")
			f.expect(does)
			for _, name := range []string{"x", "y", "z"} {
				n := 3
				if strings.Contains(does, "+"+name) {
					n = 1 // its state is new
				}
				if got, err := call[int](p, name, "count", nil); got != n || err != nil {
					p.t.Errorf("strategy %d: %s counts %d, %v, want %d", strategy, name, got, err, n)
				}
			}
			if err := s.Stop(p.t.Context()); err != nil {
				p.t.Fatal(err)
			}
			f.expect("-z -y -x")
			_, err := call[int](p, "x", "count", nil)
			want(p.t, err, transport.ErrNoServer)
		})
	}
}

func TestRestartRules(t *testing.T) {
	everywhere(t, func(p *place) {
		f, _ := supervised(p, genserver.Group{Intensity: 100}, genserver.Permanent, genserver.Transient, genserver.Temporary)
		f.crash("x")
		f.expect("-x +x")
		f.crash("y")
		f.expect("-y +y")
		f.crash("z")
		f.expect("-z")
		for _, name := range []string{"x", "y"} {
			if _, err := call[bool](p, name, "stop", nil); err != nil {
				p.t.Fatal(err)
			}
			settle()
		}
		f.expect("-x +x -y")
		for name, target := range map[string]error{"x": nil, "y": transport.ErrNoServer, "z": transport.ErrNoServer} {
			_, err := call[int](p, name, "count", nil)
			want(p.t, err, target)
		}
		got, err := call[[]genserver.ChildStatus](p, "sup", "children", nil)
		if want := []genserver.ChildStatus{{"x", true, 2}, {"y", false, 1}, {"z", false, 0}}; err != nil || !slices.Equal(got, want) {
			p.t.Errorf("children are %+v, %v, want %+v", got, err, want)
		}
		start(p.world, p.there, "z", nothing) // the name is free
	})
}

func TestTemporaryChildrenEndWithTheGroup(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		f, _ := supervised(p, genserver.Group{Strategy: genserver.OneForAll}, genserver.Permanent, genserver.Permanent, genserver.Temporary)
		f.crash("x")
		f.expect("-x -z -y +x +y")
	})
}

// Every message that waits for a server must survive its crash, though the one
// that crashed it is not tried again.
func TestMessagesSurviveARestart(t *testing.T) {
	for _, strategy := range []genserver.Strategy{genserver.OneForOne, genserver.OneForAll} {
		everywhere(t, func(p *place) {
			f, _ := supervised(p, genserver.Group{Strategy: strategy})
			crash := func() {
				if err := cast(p, "y", "crash", time.Second); err != nil {
					p.t.Fatal(err)
				}
			}
			crash()
			settle()
			for range 5 {
				if err := cast(p, "y", "count", nil); err != nil {
					p.t.Fatal(err)
				}
			}
			start := time.Now()
			if got, err := call[int](p, "y", "count", nil); got != 6 || err != nil {
				p.t.Errorf("it counts %d, %v", got, err)
			}
			if d := time.Since(start); d > 1100*time.Millisecond {
				p.t.Errorf("the call took %v", d)
			}
			if strategy == genserver.OneForOne {
				f.expect("-y +y")
			}
		})
	}
}

func TestSupervisorsGiveUp(t *testing.T) {
	everywhere(t, func(p *place) {
		f, s := supervised(p, genserver.Group{Intensity: 2, Period: time.Minute})
		var downs log[genserver.Down]
		genserver.Monitor(p.here, p.ref("sup"), downs.add)
		f.crash("x")
		pass(59 * time.Second)
		f.crash("y")
		f.expect("-x +x -y +y")
		pass(2 * time.Second) // the first crash is older than the period
		f.crash("x")
		f.expect("-x +x")
		f.crash("z")
		<-s.Done()
		f.expect("-z -y -x")
		want(p.t, s.Err(), genserver.ErrGaveUp)
		if got := downs.list(); len(got) != 1 || !errors.Is(got[0].Err, genserver.ErrGaveUp) {
			p.t.Errorf("monitors of the supervisor were told %v", got)
		}
		for _, name := range []string{"x", "y", "z", "sup"} {
			_, err := call[int](p, name, "count", nil)
			want(p.t, err, transport.ErrNoServer)
		}
	})
}

// A pause is not the next incarnation's.
func TestAPausedChildIsRestartedAwake(t *testing.T) {
	everywhere(t, func(p *place) {
		f := &family{place: p, fail: make(map[string]int)}
		var first *genserver.Server
		y := f.child("y", 0)
		init := y.Init
		y.Init = func(ctx context.Context, s *genserver.Server) error {
			if first == nil {
				first = s
			}
			return init(ctx, s)
		}
		p.start("sup", genserver.Supervise(genserver.Group{Strategy: genserver.OneForAll, Children: []genserver.Child{f.child("x", 0), y}}))
		first.Pause()
		if err := cast(p, "y", "count", nil); err != nil {
			p.t.Fatal(err)
		}
		settle()
		f.crash("x")
		if got, err := call[int](p, "y", "count", nil); got != 2 || err != nil {
			p.t.Errorf("it counts %d, %v", got, err)
		}
		first.Pause() // of an incarnation that is gone
		if got, err := call[int](p, "y", "count", nil); got != 3 || err != nil {
			p.t.Errorf("it counts %d, %v", got, err)
		}
	})
}

func TestNoRestartsAtAll(t *testing.T) {
	bubble(t, func(w *world) {
		f, s := supervised(&place{w, w.nodes["a"], w.nodes["a"]}, genserver.Group{Intensity: -1})
		f.crash("x")
		<-s.Done()
		f.expect("-x -z -y")
	})
}

// An init that fails at a restart counts as a crash: it is tried again until the
// supervisor gives up.
func TestInitThatFailsAtARestartIsTriedAgain(t *testing.T) {
	for fails, does := range map[int]string{1: "-y -z +y +z", 5: "-y -z -x"} {
		everywhere(t, func(p *place) {
			f, s := supervised(p, genserver.Group{Strategy: genserver.RestForOne})
			f.mu.Lock()
			f.fail["y"] = fails
			f.mu.Unlock()
			f.crash("y")
			f.expect(does)
			if fails > 1 {
				<-s.Done()
				return
			}
			if got, err := call[int](p, "y", "count", nil); got != 1 || err != nil {
				p.t.Errorf("it counts %d, %v", got, err)
			}
		})
	}
}

func TestAChildThatDoesNotStartStopsTheOthers(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["a"]}
		f := &family{place: p, fail: map[string]int{"z": 1}}
		g := genserver.Group{Children: []genserver.Child{f.child("x", 0), f.child("y", 0), f.child("z", 0)}}
		_, err := genserver.Start(p.here, "sup", genserver.Supervise(g))
		if err == nil || !strings.Contains(err.Error(), `"z"`) || !strings.Contains(err.Error(), "not today") {
			p.t.Errorf("error is %v", err)
		}
		f.expect("+x +y -y -x")
		start(w, p.here, "sup", genserver.Supervise(g)) // all names are free
		f.expect("+x +y +z")
	})
}

func TestSupervisorsOfSupervisors(t *testing.T) {
	everywhere(t, func(p *place) {
		f := &family{place: p, fail: make(map[string]int)}
		inner := genserver.Group{Intensity: 1, Period: time.Minute, Children: []genserver.Child{f.child("x", 0), f.child("y", 0)}}
		outer := genserver.Group{Intensity: 1, Period: time.Minute, Strategy: genserver.RestForOne, Children: []genserver.Child{
			f.child("w", 0), {Name: "inner", Init: genserver.Supervise(inner)}, f.child("z", 0),
		}}
		s := p.start("outer", genserver.Supervise(outer))
		f.expect("+w +x +y +z")
		f.crash("x")
		f.expect("-x +x")
		f.crash("x") // once too often for inner, so that outer restarts it
		f.expect("-x -y -z +x +y +z")
		if got, err := call[int](p, "x", "count", nil); got != 1 || err != nil {
			p.t.Errorf("x counts %d, %v", got, err)
		}
		f.crash("y")
		f.expect("-y +y")
		f.crash("y") // and once too often for outer
		<-s.Done()
		f.expect("-y -x -z -w")
		want(p.t, s.Err(), genserver.ErrGaveUp)
	})
}

// A server can be stopped after a crash, though a call that was to be answered
// later was open in the moment of the crash.
func TestServersThatWereRestartedStop(t *testing.T) {
	for name, how := range map[string]func(f *family){
		"crash":   func(f *family) { cast(f.place, "w", "crash", nil) },
		"sibling": func(f *family) { f.crash("x") },
	} {
		everywhere(t, func(p *place) {
			f := &family{place: p, fail: make(map[string]int)}
			servers := make(chan *genserver.Server, 3)
			w := genserver.Child{Name: "w", Init: func(_ context.Context, s *genserver.Server) error {
				servers <- s
				genserver.Handle(s, "later", func(context.Context, genserver.From, any) (int, error) { return 0, genserver.Later })
				genserver.Handle(s, "crash", func(context.Context, genserver.From, any) (int, error) { panic("as planned") })
				genserver.Handle(s, "wait", func(context.Context, genserver.From, any) (int, error) {
					pass(time.Second)
					return 0, nil
				})
				return nil
			}}
			p.start("sup", genserver.Supervise(genserver.Group{
				Strategy: genserver.OneForAll, Children: []genserver.Child{w, f.child("x", genserver.Permanent)},
			}))
			s := <-servers
			s.Pause()
			end := make(chan error, 1)
			go func() {
				_, err := call[int](p, "w", "later", nil)
				end <- err
			}()
			settle()
			if name == "sibling" {
				cast(p, "w", "wait", nil)
				settle()
				s.Resume()
				settle() // "later" was handled, and "wait" is
				how(f)
			} else {
				how(f)
				settle()
				s.Resume()
			}
			if err := <-end; !errors.Is(err, transport.ErrCrashed) && !errors.Is(err, transport.ErrStopped) {
				p.t.Errorf("%s: the call ended with %v", name, err)
			}
			ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
			defer cancel()
			if err := (<-servers).Stop(ctx); err != nil {
				p.t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestChildrenThatHangAreKilled(t *testing.T) {
	for how, does := range map[string]string{"stop": "-z -x", "restart": "-x -z +x +y +z"} {
		everywhere(t, func(p *place) {
			f, s := supervised(p, genserver.Group{Strategy: genserver.OneForAll})
			end := make(chan error, 1)
			go func() {
				_, err := genserver.Call[bool](p.t.Context(), p.here, p.ref("y"), "hang", time.Minute)
				end <- err
			}()
			settle()
			ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
			defer cancel()
			begin := time.Now()
			if how == "stop" {
				if err := s.Stop(ctx); err != nil {
					p.t.Error(err)
				}
				took(p.t, begin, 5*time.Second)
			} else {
				f.crash("x")
				pass(6 * time.Second)
			}
			f.expect(does)
			if err := <-end; !errors.Is(err, transport.ErrStopped) && !errors.Is(err, transport.ErrTimeout) {
				p.t.Errorf("%s: the call of the child that hangs ended with %v", how, err)
			}
			pass(2 * time.Minute)
			f.expect("-y") // late, as its handler returned late
		})
	}
}

// A supervisor ends its children one after the other, each with its own time, and
// its own supervisor must not lose patience before.
func TestSupervisorsOfChildrenThatHang(t *testing.T) {
	for shutdown, took := range map[time.Duration]time.Duration{0: 10 * time.Second, 3 * time.Second: 3 * time.Second} {
		for _, how := range []string{"restart", "stop", "kill"} {
			everywhere(t, func(p *place) {
				f := &family{place: p, fail: make(map[string]int)}
				inner := genserver.Group{Children: []genserver.Child{f.child("x", 0), f.child("y", 0)}}
				outer := genserver.Group{Strategy: genserver.OneForAll, Children: []genserver.Child{
					{Name: "inner", Init: genserver.Supervise(inner), Shutdown: shutdown}, f.child("z", 0),
				}}
				s := p.start("outer", genserver.Supervise(outer))
				f.expect("+x +y +z")
				for i, name := range []string{"y", "x"} {
					if err := cast(p, name, "hang", time.Minute+time.Duration(i)*time.Second); err != nil {
						p.t.Fatal(err)
					}
				}
				settle()
				begin := time.Now()
				switch how {
				case "restart":
					f.crash("z")
					pass(took - 2*time.Millisecond)
					f.expect("-z")
					pass(5 * time.Millisecond)
					f.expect("+x +y +z")
					for _, name := range []string{"x", "y", "z"} {
						if got, err := call[int](p, name, "count", nil); got != 1 || err != nil {
							p.t.Errorf("%s counts %d, %v", name, got, err)
						}
					}
				case "stop":
					if err := s.Stop(p.t.Context()); err != nil {
						p.t.Error(err)
					}
					if d := time.Since(begin); d < took || d > took+time.Millisecond {
						p.t.Errorf("it took %v, want %v", d, took)
					}
					f.expect("-z")
				case "kill":
					s.Kill()
					f.expect("-z")
					if d := time.Since(begin); d > 10*time.Millisecond {
						p.t.Errorf("it took %v", d)
					}
				}
				if how != "restart" {
					for _, name := range []string{"x", "y", "z", "inner", "outer"} {
						_, err := call[int](p, name, "count", nil)
						want(p.t, err, transport.ErrNoServer)
					}
				}
				pass(2 * time.Minute)
				f.expect("-y -x")
			})
		}
	}
}

// A goroutine of Async that panics must not let the next incarnation begin beside
// what the one before does still, nor tell that one that it was stopped.
func TestTheNextIncarnationWaitsForTheLast(t *testing.T) {
	for busy, want := range map[time.Duration]string{0: "+x -x +x", time.Second: "+x -x +x", time.Minute: "+x +x -x"} {
		everywhere(t, func(p *place) {
			f := &family{place: p}
			starts := 0
			c := genserver.Child{Name: "x", Init: func(_ context.Context, s *genserver.Server) error {
				f.log.add("+x")
				if starts++; starts == 1 {
					s.OnStop(func(reason error) {
						if !errors.Is(reason, transport.ErrCrashed) {
							p.t.Errorf("the reason is %v", reason)
						}
						pass(time.Millisecond)
						f.log.add("-x")
					})
				}
				genserver.Handle(s, "crash", func(ctx context.Context, from genserver.From, _ any) (int, error) {
					return genserver.Async(ctx, from, func(context.Context) (int, error) {
						pass(10 * time.Millisecond)
						panic("as planned")
					})
				})
				genserver.Handle(s, "busy", func(context.Context, genserver.From, any) (int, error) {
					pass(busy)
					return 0, nil
				})
				return nil
			}}
			p.start("sup", genserver.Supervise(genserver.Group{Children: []genserver.Child{c}}))
			end := make(chan error, 1)
			go func() {
				_, err := call[int](p, "x", "crash", nil)
				end <- err
			}()
			settle()
			cast(p, "x", "busy", nil)
			if err := <-end; !errors.Is(err, transport.ErrCrashed) {
				p.t.Errorf("the call ended with %v", err)
			}
			pass(2 * time.Minute)
			f.expect(want)
		})
	}
}

// Monitors are told of each crash, while the name stays taken.
func TestMonitorsOfSupervisedServers(t *testing.T) {
	everywhere(t, func(p *place) {
		f, _ := supervised(p, genserver.Group{})
		for range 2 {
			var downs log[genserver.Down]
			genserver.Monitor(p.here, p.ref("x"), downs.add)
			settle()
			f.crash("x")
			if got := downs.list(); len(got) != 1 || !errors.Is(got[0].Err, transport.ErrCrashed) {
				p.t.Errorf("told %v", got)
			}
		}
	})
}

// Children that are restarted because of another have lost their state too.
func TestMonitorsOfSiblings(t *testing.T) {
	everywhere(t, func(p *place) {
		f, _ := supervised(p, genserver.Group{Strategy: genserver.OneForAll})
		var downs log[genserver.Down]
		genserver.Monitor(p.here, p.ref("y"), downs.add)
		settle()
		f.crash("x")
		if got := downs.list(); len(got) != 1 || !errors.Is(got[0].Err, transport.ErrStopped) {
			p.t.Errorf("told %v", got)
		}
	})
}

// What a handler left to a goroutine before it crashed may call the server that
// was restarted: nobody waits for it there.
func TestGoroutinesOfACrashedServerMayCallTheNext(t *testing.T) {
	everywhere(t, func(p *place) {
		end := make(chan error, 1)
		c := genserver.Child{Name: "x", Init: func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "crash", func(ctx context.Context, _ genserver.From, _ any) (bool, error) {
				time.AfterFunc(time.Second, func() {
					_, err := genserver.Call[string](context.WithoutCancel(ctx), p.there, "x", "hello", nil)
					end <- err
				})
				panic("as planned")
			})
			return hello(context.Background(), s)
		}}
		p.start("sup", genserver.Supervise(genserver.Group{Children: []genserver.Child{c}}))
		_, err := call[bool](p, "x", "crash", nil)
		want(p.t, err, transport.ErrCrashed)
		want(p.t, <-end, nil)
	})
}

func TestSupervisorsThatCannotBe(t *testing.T) {
	bubble(t, func(w *world) {
		f := &family{place: &place{w, w.nodes["a"], w.nodes["a"]}, fail: make(map[string]int)}
		good := f.child("x", 0)
		for i, g := range []genserver.Group{
			{Strategy: 3, Children: []genserver.Child{good}},
			{Intensity: -2}, {Period: -1},
			{Children: []genserver.Child{{Name: "x"}}},
			{Children: []genserver.Child{f.child("x", 3)}},
			{Children: []genserver.Child{{Name: "x", Init: good.Init, Shutdown: -1}}},
		} {
			if _, err := genserver.Start(w.nodes["a"], "sup", genserver.Supervise(g)); !errors.Is(err, transport.ErrConfig) {
				w.t.Errorf("group %d: error is %v", i, err)
			}
		}
		_, err := genserver.Start(w.nodes["a"], "sup", genserver.Supervise(genserver.Group{Children: []genserver.Child{good, good}}))
		want(w.t, err, transport.ErrNameTaken)
		start(w, w.nodes["a"], "sup", genserver.Supervise(genserver.Group{}))
	})
}

// Crashes at the same moment, and in any order, must leave every child running
// once.
func TestManyCrashesAtOnce(t *testing.T) {
	for _, strategy := range []genserver.Strategy{genserver.OneForOne, genserver.OneForAll, genserver.RestForOne} {
		everywhere(t, func(p *place) {
			supervised(p, genserver.Group{Strategy: strategy, Intensity: 1000})
			for round := range 20 {
				var wait sync.WaitGroup
				for _, name := range []string{"x", "y", "z"} {
					wait.Go(func() {
						if _, err := call[int](p, name, "crash", time.Duration(round%2)*time.Millisecond); err == nil {
							p.t.Error("a crash replied")
						}
					})
				}
				wait.Wait()
				settle()
				for _, name := range []string{"x", "y", "z"} {
					if got, err := call[int](p, name, "count", nil); got != 1 || err != nil {
						p.t.Fatalf("%s counts %d, %v", name, got, err)
					}
				}
			}
			got, err := call[[]genserver.ChildStatus](p, "sup", "children", nil)
			if err != nil || len(got) != 3 {
				p.t.Fatal(got, err)
			}
			for _, c := range got {
				if reflect.DeepEqual(c, genserver.ChildStatus{}) || !c.Running {
					p.t.Errorf("%+v", c)
				}
			}
		})
	}
}
