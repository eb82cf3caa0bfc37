package system

import (
	"errors"
	"net/rpc"
)

// netRPC is the standard library's net/rpc with gob.
func netRPC() []System {
	return twins(System{
		Name: "net/rpc",
		Note: "gob; it has no casts: calls without a result, 1024 outstanding",
	}, serveNetRPC, func(w *wire, addr string) (Client, error) {
		c, err := w.dial(addr)
		if err != nil {
			return nil, err
		}
		return &netRPCClient{Client: rpc.NewClient(c), window: make(chan *rpc.Call, netRPCWindow)}, nil
	})
}

// netRPCWindow is how many casts may be on their way.
const netRPCWindow = 1024

// netRPCServer is the service; rpc finds its methods by reflection.
type netRPCServer struct{ sink *Sink }

// Echo answers a call.
func (s *netRPCServer) Echo(req *[]byte, rep *[]byte) error {
	*rep = *req
	return nil
}

// Take takes a cast.
func (s *netRPCServer) Take(body *[]byte, _ *struct{}) error {
	s.sink.Take(*body)
	return nil
}

func serveNetRPC(w *wire, sink *Sink) (*Server, error) {
	l, err := w.listen()
	if err != nil {
		return nil, err
	}
	s := rpc.NewServer()
	if err := s.RegisterName("Bench", &netRPCServer{sink}); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.ServeConn(c)
		}
	}()
	return &Server{Addr: l.Addr().String(), Close: func() { l.Close() }}, nil
}

type netRPCClient struct {
	*rpc.Client
	window chan *rpc.Call // the casts on their way come back here
	sent   int
}

func (c *netRPCClient) Call(rep, req []byte) ([]byte, error) {
	rep = rep[:0]
	err := c.Client.Call("Bench.Echo", &req, &rep)
	return rep, err
}

func (c *netRPCClient) Cast(body []byte) error {
	if c.sent == netRPCWindow {
		if err := c.settle(1); err != nil {
			return err
		}
	}
	c.Go("Bench.Take", &body, &struct{}{}, c.window)
	c.sent++
	return nil
}

// settle waits for n casts.
func (c *netRPCClient) settle(n int) error {
	for range n {
		call := <-c.window
		c.sent--
		if call.Error != nil {
			return call.Error
		}
	}
	return nil
}

func (c *netRPCClient) Flush() error { return c.settle(c.sent) }
