//go:build apart

package system

import (
	"fmt"

	"github.com/anthdm/hollywood/actor"
	"github.com/anthdm/hollywood/remote"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hollywood is anthdm's Hollywood. Each side listens and dials the other; a
// request is a BytesValue and a cast an Any.
func hollywood() System {
	return System{
		Name: "hollywood", Kind: Apart,
		Note:  "a connection in each direction; sending returns before the message leaves",
		Serve: serveHollywood,
		Dial:  dialHollywood,
		Local: localHollywood,
	}
}

// hollywoodEngine starts an engine that listens.
func hollywoodEngine() (*actor.Engine, *remote.Remote, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, nil, err
	}
	r := remote.New(addr, remote.NewConfig())
	e, err := actor.NewEngine(actor.NewEngineConfig().WithRemote(r))
	return e, r, err
}

func serveHollywood(sink *Sink) (*Server, error) {
	e, r, err := hollywoodEngine()
	if err != nil {
		return nil, err
	}
	e.SpawnFunc(func(c *actor.Context) {
		switch m := c.Message().(type) {
		case *wrapperspb.BytesValue:
			c.Respond(m)
		case *anypb.Any:
			sink.Take(m.Value)
		}
	}, "bench", actor.WithID("1"))
	return &Server{Addr: r.Address(), Close: func() { r.Stop() }}, nil
}

type hollywoodClient struct {
	engine *actor.Engine
	remote *remote.Remote
	to     *actor.PID
}

func dialHollywood(addr string) (Client, error) {
	e, r, err := hollywoodEngine()
	if err != nil {
		return nil, err
	}
	return &hollywoodClient{e, r, actor.NewPID(addr, "bench/1")}, nil
}

func (c *hollywoodClient) Call(_, req []byte) ([]byte, error) {
	rep, err := c.engine.Request(c.to, &wrapperspb.BytesValue{Value: req}, replyMax).Result()
	if err != nil {
		return nil, err
	}
	m, ok := rep.(*wrapperspb.BytesValue)
	if !ok {
		return nil, fmt.Errorf("hollywood: reply of type %T", rep)
	}
	return m.Value, nil
}

func (c *hollywoodClient) Cast(body []byte) error {
	c.engine.Send(c.to, &anypb.Any{Value: body})
	return nil
}

func (c *hollywoodClient) Flush() error { return nil }

func (c *hollywoodClient) Close() error {
	c.remote.Stop()
	return nil
}

// hollywoodLocal is an actor of the same process.
type hollywoodLocal struct {
	engine *actor.Engine
	to     *actor.PID
	tally  *tally
}

func localHollywood() (Local, error) {
	e, err := actor.NewEngine(actor.NewEngineConfig())
	if err != nil {
		return nil, err
	}
	l := &hollywoodLocal{engine: e, tally: newTally()}
	l.to = e.SpawnFunc(func(c *actor.Context) {
		switch m := c.Message().(type) {
		case *localCall:
			c.Respond(m)
		case *localCast:
			l.tally.take()
		}
	}, "local")
	return l, nil
}

func (l *hollywoodLocal) Calls(n int) error {
	m := &localCall{localBody()}
	for range n {
		rep, err := l.engine.Request(l.to, m, replyMax).Result()
		if err != nil {
			return err
		}
		if err := same(rep.(*localCall).body, m.body); err != nil {
			return err
		}
	}
	return nil
}

func (l *hollywoodLocal) Casts(n int) error {
	l.tally.expect(n)
	m := &localCast{localBody()}
	for range n {
		l.engine.Send(l.to, m)
	}
	return l.tally.wait()
}

func (l *hollywoodLocal) Close() { l.engine.Poison(l.to) }
