package system

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"storj.io/drpc"
	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcmux"
	"storj.io/drpc/drpcpool"
	"storj.io/drpc/drpcserver"
)

// drpcPool is drpc. Its connections carry one call at a time, so that it has a
// pool of them.
func drpcPool() []System {
	return twins(System{
		Name: "drpc",
		Note: "BytesValue; a connection for each outstanding call, from its pool; casts go into a stream on one more, flushed one by one as by default",
	}, serveDRPC, dialDRPC)
}

const (
	drpcEcho = "/bench.Bench/Echo"
	drpcTake = "/bench.Bench/Take"
)

// drpcEncoding is what its generator writes for protobuf.
type drpcEncoding struct{}

func (drpcEncoding) Marshal(m drpc.Message) ([]byte, error) { return proto.Marshal(m.(proto.Message)) }
func (drpcEncoding) Unmarshal(b []byte, m drpc.Message) error {
	return proto.Unmarshal(b, m.(proto.Message))
}
func (drpcEncoding) MarshalAppend(b []byte, m drpc.Message) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(b, m.(proto.Message))
}

// drpcServer is the service and its description.
type drpcServer struct{ sink *Sink }

func (s *drpcServer) echo(_ context.Context, m *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	return m, nil
}

func (s *drpcServer) take(stream drpc.Stream) error {
	var m wrapperspb.BytesValue
	for {
		if err := stream.MsgRecv(&m, drpcEncoding{}); err != nil {
			return err
		}
		s.sink.Take(m.Value)
	}
}

// NumMethods and Method are drpc's description of a service.
func (s *drpcServer) NumMethods() int { return 2 }

// Method returns the n-th method.
func (s *drpcServer) Method(n int) (string, drpc.Encoding, drpc.Receiver, any, bool) {
	if n == 0 {
		return drpcEcho, drpcEncoding{}, func(srv any, ctx context.Context, in, _ any) (drpc.Message, error) {
			return srv.(*drpcServer).echo(ctx, in.(*wrapperspb.BytesValue))
		}, (*drpcServer).echo, true
	}
	return drpcTake, drpcEncoding{}, func(srv any, _ context.Context, in, _ any) (drpc.Message, error) {
		return nil, srv.(*drpcServer).take(in.(drpc.Stream))
	}, (*drpcServer).take, true
}

func serveDRPC(w *wire, sink *Sink) (*Server, error) {
	l, err := w.listen()
	if err != nil {
		return nil, err
	}
	mux, s := drpcmux.New(), &drpcServer{sink}
	if err := mux.Register(s, s); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	go drpcserver.New(mux).Serve(ctx, l)
	return &Server{Addr: l.Addr().String(), Close: cancel}, nil
}

type drpcClient struct {
	pool  *drpcpool.Pool[string, drpcpool.Conn]
	calls drpc.Conn
	conn  *drpcconn.Conn
	casts drpc.Stream
}

func dialDRPC(w *wire, addr string) (Client, error) {
	dial := func(context.Context, string) (*drpcconn.Conn, error) {
		c, err := w.dial(addr)
		if err != nil {
			return nil, err
		}
		return drpcconn.New(c), nil
	}
	c := &drpcClient{pool: drpcpool.New[string, drpcpool.Conn](drpcpool.Options{})}
	c.calls = c.pool.Get(context.Background(), addr, func(ctx context.Context, key string) (drpcpool.Conn, error) { return dial(ctx, key) })
	var err error
	if c.conn, err = dial(context.Background(), addr); err != nil {
		return nil, err
	}
	if c.casts, err = c.conn.NewStream(context.Background(), drpcTake, drpcEncoding{}); err != nil {
		return nil, errors.Join(err, c.conn.Close())
	}
	return c, nil
}

func (c *drpcClient) Call(_, req []byte) ([]byte, error) {
	var out wrapperspb.BytesValue
	err := c.calls.Invoke(context.Background(), drpcEcho, drpcEncoding{}, &wrapperspb.BytesValue{Value: req}, &out)
	return out.Value, err
}

func (c *drpcClient) Cast(body []byte) error {
	return c.casts.MsgSend(&wrapperspb.BytesValue{Value: body}, drpcEncoding{})
}

func (c *drpcClient) Flush() error { return nil }

func (c *drpcClient) Close() error {
	return errors.Join(c.casts.Close(), c.conn.Close(), c.calls.Close(), c.pool.Close())
}
