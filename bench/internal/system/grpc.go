package system

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The methods of the service, which is written by hand as protoc would write
// it. A message is a google.protobuf.BytesValue.
const (
	grpcService = "bench.Bench"
	grpcEcho    = "/" + grpcService + "/Echo"
	grpcPipe    = "/" + grpcService + "/Pipe"
	grpcTake    = "/" + grpcService + "/Take"
)

// grpcUnary is gRPC with a stream of HTTP/2 for each call, as nearly all of its
// users have it.
func grpcUnary() []System {
	return twins(System{
		Name: "grpc unary",
		Note: "BytesValue; casts go into a client stream",
	}, serveGRPC, func(w *wire, addr string) (Client, error) { return dialGRPC(w, addr) })
}

// grpcStream is gRPC with all calls in one bidirectional stream, answered in
// order.
func grpcStream() []System {
	return twins(System{
		Name: "grpc stream",
		Note: "BytesValue; all calls in one bidirectional stream, answered in order",
	}, serveGRPC, func(w *wire, addr string) (Client, error) {
		c, err := dialGRPC(w, addr)
		if err != nil {
			return nil, err
		}
		p := &grpcPiper{grpcClient: c}
		p.pipe, err = c.conn.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, grpcPipe)
		if err != nil {
			c.Close()
			return nil, err
		}
		go p.read()
		return p, nil
	})
}

// grpcServes returns the options of a server that is reached by the wire.
func grpcServes(w *wire) []grpc.ServerOption {
	if w == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(w.server()))}
}

// grpcDials returns the option of a client of such a server.
func grpcDials(w *wire) grpc.DialOption {
	if w == nil {
		return grpc.WithTransportCredentials(insecure.NewCredentials())
	}
	return grpc.WithTransportCredentials(credentials.NewTLS(w.client()))
}

type grpcServer struct{ sink *Sink }

func serveGRPC(w *wire, sink *Sink) (*Server, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	s := grpc.NewServer(grpcServes(w)...)
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: grpcService,
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Echo", Handler: grpcServeEcho}},
		Streams: []grpc.StreamDesc{
			{StreamName: "Pipe", Handler: grpcServePipe, ClientStreams: true, ServerStreams: true},
			{StreamName: "Take", Handler: grpcServeTake, ClientStreams: true},
		},
	}, &grpcServer{sink})
	go s.Serve(l)
	return &Server{Addr: l.Addr().String(), Close: s.Stop}, nil
}

func grpcServeEcho(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	m := new(wrapperspb.BytesValue)
	if err := decode(m); err != nil {
		return nil, err
	}
	return m, nil
}

func grpcServePipe(_ any, s grpc.ServerStream) error {
	for {
		m := new(wrapperspb.BytesValue)
		if err := s.RecvMsg(m); err != nil {
			return err
		}
		if err := s.SendMsg(m); err != nil {
			return err
		}
	}
}

func grpcServeTake(srv any, s grpc.ServerStream) error {
	m := new(wrapperspb.BytesValue)
	for {
		if err := s.RecvMsg(m); err != nil {
			return s.SendMsg(&emptypb.Empty{})
		}
		srv.(*grpcServer).sink.Take(m.Value)
	}
}

// grpcClient calls unary and casts into a stream that it keeps open.
type grpcClient struct {
	conn *grpc.ClientConn
	take grpc.ClientStream
}

func dialGRPC(w *wire, addr string) (*grpcClient, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpcDials(w))
	if err != nil {
		return nil, err
	}
	take, err := conn.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true}, grpcTake)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &grpcClient{conn, take}, nil
}

func (c *grpcClient) Call(_, req []byte) ([]byte, error) {
	var out wrapperspb.BytesValue
	err := c.conn.Invoke(context.Background(), grpcEcho, &wrapperspb.BytesValue{Value: req}, &out)
	return out.Value, err
}

func (c *grpcClient) Cast(body []byte) error {
	return c.take.SendMsg(&wrapperspb.BytesValue{Value: body})
}

func (c *grpcClient) Flush() error { return nil }
func (c *grpcClient) Close() error { return c.conn.Close() }

// grpcPiper calls through one stream. The n-th reply answers the n-th request.
type grpcPiper struct {
	*grpcClient
	pipe grpc.ClientStream

	mu      sync.Mutex // over sending, so that waiting has the order of the requests
	waiting fifo
}

func (p *grpcPiper) Call(_, req []byte) ([]byte, error) {
	return p.waiting.call(&p.mu, func() error { return p.pipe.SendMsg(&wrapperspb.BytesValue{Value: req}) })
}

func (p *grpcPiper) read() {
	for {
		var m wrapperspb.BytesValue
		err := p.pipe.RecvMsg(&m)
		p.waiting.answer(m.Value, err)
		if err != nil {
			return
		}
	}
}
