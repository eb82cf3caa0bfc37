package system

import (
	"context"
	"errors"

	"github.com/containerd/ttrpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// ttrpcConn is containerd's ttrpc, over TCP.
func ttrpcConn() []System {
	return twins(System{
		Name: "ttrpc",
		Note: "BytesValue; casts go into a client stream",
	}, serveTTRPC, dialTTRPC)
}

const ttrpcService = "bench.Bench"

func serveTTRPC(w *wire, sink *Sink) (*Server, error) {
	l, err := w.listen()
	if err != nil {
		return nil, err
	}
	s, err := ttrpc.NewServer()
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.RegisterService(ttrpcService, &ttrpc.ServiceDesc{
		Methods: map[string]ttrpc.Method{
			"Echo": func(_ context.Context, decode func(any) error) (any, error) {
				m := new(wrapperspb.BytesValue)
				return m, decode(m)
			},
		},
		Streams: map[string]ttrpc.Stream{
			"Take": {StreamingClient: true, Handler: func(_ context.Context, s ttrpc.StreamServer) (any, error) {
				m := new(wrapperspb.BytesValue)
				for {
					if err := s.RecvMsg(m); err != nil {
						return &emptypb.Empty{}, nil
					}
					sink.Take(m.Value)
				}
			}},
		},
	})
	go s.Serve(context.Background(), l)
	return &Server{Addr: l.Addr().String(), Close: func() { s.Close() }}, nil
}

type ttrpcClient struct {
	*ttrpc.Client
	take ttrpc.ClientStream
}

func dialTTRPC(w *wire, addr string) (Client, error) {
	conn, err := w.dial(addr)
	if err != nil {
		return nil, err
	}
	c := ttrpc.NewClient(conn)
	take, err := c.NewStream(context.Background(), &ttrpc.StreamDesc{StreamingClient: true}, ttrpcService, "Take", nil)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &ttrpcClient{c, take}, nil
}

func (c *ttrpcClient) Call(_, req []byte) ([]byte, error) {
	var out wrapperspb.BytesValue
	err := c.Client.Call(context.Background(), ttrpcService, "Echo", &wrapperspb.BytesValue{Value: req}, &out)
	return out.Value, err
}

func (c *ttrpcClient) Cast(body []byte) error {
	return c.take.SendMsg(&wrapperspb.BytesValue{Value: body})
}

func (c *ttrpcClient) Flush() error { return nil }
