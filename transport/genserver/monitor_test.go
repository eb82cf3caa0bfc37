package genserver_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func TestMonitorsLearnWhyAServerEnds(t *testing.T) {
	everywhere(t, func(p *place) {
		tests := []struct {
			name string
			end  func(s *genserver.Server)
			want error
		}{
			{"stop", func(s *genserver.Server) { s.Stop(p.t.Context()) }, transport.ErrStopped},
			{"kill", func(s *genserver.Server) { s.Kill() }, transport.ErrStopped},
			{"crash", func(s *genserver.Server) { cast(p, "srv", "crash", nil) }, transport.ErrCrashed},
		}
		for _, tt := range tests {
			s := p.start("srv", func(_ context.Context, s *genserver.Server) error {
				genserver.Handle(s, "crash", func(context.Context, genserver.From, any) (int, error) { panic("x") })
				return nil
			})
			var downs, stopped log[genserver.Down]
			genserver.Monitor(p.here, p.ref("srv"), downs.add)
			genserver.Monitor(p.here, p.ref("srv"), downs.add)
			genserver.Monitor(p.here, p.ref("srv"), stopped.add)()
			settle()
			tt.end(s)
			<-s.Done()
			got := downs.list()
			if len(got) != 2 || got[0].Ref != p.ref("srv") || !errors.Is(got[0].Err, tt.want) || len(stopped.list()) > 0 {
				p.t.Errorf("%s: monitors were told %v, the one that stopped %v", tt.name, got, stopped.list())
			}
		}
		var downs log[genserver.Down]
		stop := genserver.Monitor(p.here, p.ref("nobody"), downs.add)
		if got := downs.list(); len(got) != 1 || !errors.Is(got[0].Err, transport.ErrNoServer) {
			p.t.Errorf("monitors of nobody were told %v", got)
		}
		stop()
	})
}

func TestMonitorsLearnThatANodeIsGone(t *testing.T) {
	bubble(t, func(w *world) {
		start(w, w.nodes["b"], "srv", nothing)
		var downs log[genserver.Down]
		genserver.Monitor(w.nodes["a"], "srv@b", downs.add)
		genserver.Monitor(w.nodes["a"], "srv@nowhere", downs.add)
		settle()
		w.nodes["b"].Abort()
		got := downs.list()
		if len(got) != 2 || !errors.Is(got[0].Err, transport.ErrUnknownNode) || !errors.Is(got[1].Err, transport.ErrNodeDown) {
			w.t.Errorf("told %v", got)
		}
	})
}

// A monitor that a handler stops must not call back, though the news waits
// already.
func TestServersStopTheirMonitors(t *testing.T) {
	everywhere(t, func(p *place) {
		other := p.start("other", nothing)
		start(p.world, p.here, "watcher", func(_ context.Context, s *genserver.Server) error {
			stop := s.Monitor(p.ref("other"), func(genserver.Down) { p.t.Error("called after stop") })
			genserver.Handle(s, "stop", func(context.Context, genserver.From, any) (bool, error) {
				other.Kill()
				settle()
				stop()
				return true, nil
			})
			return nil
		})
		settle()
		if _, err := genserver.Call[bool](p.t.Context(), p.here, "watcher", "stop", nil); err != nil {
			p.t.Fatal(err)
		}
		settle()
	})
}

// A server's monitor calls back between its messages, not beside them, and ends
// with the server.
func TestServersMonitorOthers(t *testing.T) {
	everywhere(t, func(p *place) {
		var l log[string]
		watcher := start(p.world, p.here, "watcher", func(_ context.Context, s *genserver.Server) error {
			busy := false
			genserver.Handle(s, "watch", func(_ context.Context, _ genserver.From, name string) (bool, error) {
				stop := s.Monitor(p.ref(name), func(d genserver.Down) {
					if busy {
						p.t.Error("called beside a handler")
					}
					l.add(d.Ref)
				})
				if name == "stopped" {
					stop()
				}
				return true, nil
			})
			genserver.Handle(s, "work", func(context.Context, genserver.From, any) (bool, error) {
				busy = true
				pass(time.Second)
				busy = false
				return true, nil
			})
			return nil
		})
		for _, name := range []string{"x", "stopped", "y"} {
			s := p.start(name, nothing)
			if _, err := genserver.Call[bool](p.t.Context(), p.here, "watcher", "watch", name); err != nil {
				p.t.Fatal(err)
			}
			settle()
			if err := genserver.Cast(p.t.Context(), p.here, "watcher", "work", nil); err != nil {
				p.t.Fatal(err)
			}
			settle()
			if name == "y" {
				watcher.Kill()
			}
			s.Kill()
			pass(2 * time.Second)
		}
		if got := l.list(); !slices.Equal(got, []string{p.ref("x")}) {
			p.t.Errorf("told of %v", got)
		}
		watcher.Monitor("x", func(genserver.Down) { p.t.Error("a monitor of a dead server") })()
	})
}
