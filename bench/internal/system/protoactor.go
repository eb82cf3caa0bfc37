//go:build !apart

package system

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// actors returns the systems of actors.
func actors() []System { return protoActor() }

// protoActor is Proto.Actor for Go. Each side listens and dials the other; a
// request is a BytesValue and a cast an Any.
func protoActor() []System {
	return twins(System{
		Name:  "protoactor",
		Note:  "a connection in each direction; sending returns before the message leaves",
		Local: localProtoActor,
	}, serveProtoActor, dialProtoActor)
}

// protoSystem starts a system of actors that listens.
func protoSystem(w *wire) (*actor.ActorSystem, *remote.Remote) {
	s := protoQuiet()
	r := remote.NewRemote(s, remote.Configure(loopback, 0, remote.WithServerOptions(grpcServes(w)...), remote.WithDialOptions(grpcDials(w))))
	r.Start()
	return s, r
}

// protoQuiet starts a system of actors that logs nothing.
func protoQuiet() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

func serveProtoActor(w *wire, sink *Sink) (*Server, error) {
	s, r := protoSystem(w)
	props := actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *wrapperspb.BytesValue:
			c.Respond(m)
		case *anypb.Any:
			sink.Take(m.Value)
		}
	})
	if _, err := s.Root.SpawnNamed(props, "bench"); err != nil {
		return nil, err
	}
	return &Server{Addr: s.Address(), Close: func() { r.Shutdown(false) }}, nil
}

type protoClient struct {
	*actor.RootContext
	to     *actor.PID
	remote *remote.Remote
}

func dialProtoActor(w *wire, addr string) (Client, error) {
	s, r := protoSystem(w)
	return &protoClient{s.Root, actor.NewPID(addr, "bench"), r}, nil
}

func (c *protoClient) Call(_, req []byte) ([]byte, error) {
	rep, err := c.RequestFuture(c.to, &wrapperspb.BytesValue{Value: req}, replyMax).Result()
	if err != nil {
		return nil, err
	}
	m, ok := rep.(*wrapperspb.BytesValue)
	if !ok {
		return nil, fmt.Errorf("protoactor: reply of type %T", rep)
	}
	return m.Value, nil
}

func (c *protoClient) Cast(body []byte) error {
	c.Send(c.to, &anypb.Any{Value: body})
	return nil
}

func (c *protoClient) Flush() error { return nil }

func (c *protoClient) Close() error {
	c.remote.Shutdown(false)
	return nil
}

// protoLocal is an actor of the same process.
type protoLocal struct {
	system *actor.ActorSystem
	to     *actor.PID
	tally  *tally
}

func localProtoActor() (Local, error) {
	l := &protoLocal{system: protoQuiet(), tally: newTally()}
	l.to = l.system.Root.Spawn(actor.PropsFromFunc(func(c actor.Context) {
		switch m := c.Message().(type) {
		case *localCall:
			c.Respond(m)
		case *localCast:
			l.tally.take()
		}
	}))
	return l, nil
}

func (l *protoLocal) Calls(n int) error {
	m := &localCall{localBody()}
	for range n {
		rep, err := l.system.Root.RequestFuture(l.to, m, replyMax).Result()
		if err != nil {
			return err
		}
		if err := same(rep.(*localCall).body, m.body); err != nil {
			return err
		}
	}
	return nil
}

func (l *protoLocal) Casts(n int) error {
	l.tally.expect(n)
	m := &localCast{localBody()}
	for range n {
		l.system.Root.Send(l.to, m)
	}
	return l.tally.wait()
}

func (l *protoLocal) Close() { l.system.Shutdown() }
