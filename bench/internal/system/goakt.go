//go:build apart

package system

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/tochemey/goakt/v3/actor"
	"github.com/tochemey/goakt/v3/address"
	"github.com/tochemey/goakt/v3/log"
	"github.com/tochemey/goakt/v3/remote"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// goaktSystem is Tochemey's GoAkt, whose remoting is a call of Connect over
// HTTP/2 for each message. A request is a BytesValue and a cast a StringValue
// or, remotely, an Any.
func goaktSystem() System {
	return System{
		Name: "goakt", Kind: Apart,
		Note:  "an HTTP/2 request for each message, casts included",
		Serve: serveGoakt,
		Dial:  dialGoakt,
		Local: localGoakt,
	}
}

// startGoakt starts a system of actors; port 0 is one without a network.
func startGoakt(port int) (actor.ActorSystem, error) {
	opts := []actor.Option{actor.WithLogger(log.DiscardLogger), actor.WithPassivationDisabled()}
	if port != 0 {
		opts = append(opts, actor.WithRemote(remote.NewConfig(loopback, port)))
	}
	s, err := actor.NewActorSystem("bench", opts...)
	if err != nil {
		return nil, err
	}
	return s, s.Start(context.Background())
}

// goaktActor answers requests and counts casts.
type goaktActor struct{ take func([]byte) }

// PreStart does nothing.
func (*goaktActor) PreStart(*actor.Context) error { return nil }

// PostStop does nothing.
func (*goaktActor) PostStop(*actor.Context) error { return nil }

// Receive handles one message.
func (a *goaktActor) Receive(c *actor.ReceiveContext) {
	switch m := c.Message().(type) {
	case *wrapperspb.BytesValue:
		c.Response(m)
	case *wrapperspb.StringValue:
		a.take(nil)
	case *anypb.Any:
		a.take(m.Value)
	}
}

func serveGoakt(sink *Sink) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s, err := startGoakt(port)
	if err != nil {
		return nil, err
	}
	if _, err := s.Spawn(context.Background(), "bench", &goaktActor{sink.Take}); err != nil {
		return nil, err
	}
	return &Server{Addr: net.JoinHostPort(loopback, strconv.Itoa(port)), Close: func() { stopGoakt(s) }}, nil
}

func stopGoakt(s actor.ActorSystem) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.Stop(ctx)
}

type goaktClient struct {
	system actor.ActorSystem
	self   *actor.PID
	to     *address.Address
}

func dialGoakt(addr string) (Client, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s, err := startGoakt(port)
	if err != nil {
		return nil, err
	}
	c := &goaktClient{system: s}
	host, p, _ := net.SplitHostPort(addr)
	there, err := strconv.Atoi(p)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.self, err = s.Spawn(context.Background(), "caller", &goaktActor{}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	found, err := c.self.RemoteLookup(context.Background(), host, there, "bench")
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.to = address.From(found)
	return c, nil
}

func (c *goaktClient) Call(_, req []byte) ([]byte, error) {
	rep, err := c.self.RemoteAsk(context.Background(), c.to, &wrapperspb.BytesValue{Value: req}, replyMax)
	if err != nil {
		return nil, err
	}
	var m wrapperspb.BytesValue
	err = rep.UnmarshalTo(&m)
	return m.Value, err
}

func (c *goaktClient) Cast(body []byte) error {
	return c.self.RemoteTell(context.Background(), c.to, &anypb.Any{Value: body})
}

func (c *goaktClient) Flush() error { return nil }
func (c *goaktClient) Close() error { return stopGoakt(c.system) }

// goaktLocal is an actor of the same process.
type goaktLocal struct {
	system actor.ActorSystem
	to     *actor.PID
	tally  *tally
}

func localGoakt() (Local, error) {
	s, err := startGoakt(0)
	if err != nil {
		return nil, err
	}
	l := &goaktLocal{system: s, tally: newTally()}
	l.to, err = s.Spawn(context.Background(), "local", &goaktActor{func([]byte) { l.tally.take() }})
	return l, err
}

func (l *goaktLocal) Calls(n int) error {
	var m proto.Message = &wrapperspb.BytesValue{Value: localBody()}
	for range n {
		rep, err := actor.Ask(context.Background(), l.to, m, replyMax)
		if err != nil {
			return err
		}
		if err := same(rep.(*wrapperspb.BytesValue).Value, m.(*wrapperspb.BytesValue).Value); err != nil {
			return err
		}
	}
	return nil
}

func (l *goaktLocal) Casts(n int) error {
	l.tally.expect(n)
	m := &wrapperspb.StringValue{Value: string(localBody())}
	for range n {
		if err := actor.Tell(context.Background(), l.to, m); err != nil {
			return err
		}
	}
	return l.tally.wait()
}

func (l *goaktLocal) Close() { stopGoakt(l.system) }
