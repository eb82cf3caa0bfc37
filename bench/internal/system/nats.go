package system

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsServer is NATS: the broker and the service share the serving process, and
// the service is connected to the broker by loopback, as everyone is.
func natsServer() []System {
	return twins(System{
		Name: "nats",
		Note: "the broker and the service share a process and talk over loopback",
	}, serveNATS, func(w *wire, addr string) (Client, error) {
		c, err := natsConnect(w, addr)
		if err != nil {
			return nil, err
		}
		return natsClient{c}, nil
	})
}

// natsConnect connects to a broker.
func natsConnect(w *wire, addr string) (*nats.Conn, error) {
	if w == nil {
		return nats.Connect(addr)
	}
	return nats.Connect(addr, nats.Secure(w.client()))
}

const (
	natsEcho = "bench.echo"
	natsTake = "bench.take"
)

func serveNATS(w *wire, sink *Sink) (*Server, error) {
	broker, err := server.NewServer(&server.Options{Host: loopback, Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, TLSConfig: w.server()})
	if err != nil {
		return nil, err
	}
	go broker.Start()
	if !broker.ReadyForConnections(10 * time.Second) {
		broker.Shutdown()
		return nil, errors.New("nats: the broker was not ready within 10 s")
	}
	s := &Server{Addr: broker.ClientURL(), Close: broker.Shutdown}
	service, err := natsConnect(w, s.Addr)
	if err == nil {
		_, err = service.Subscribe(natsEcho, func(m *nats.Msg) { m.Respond(m.Data) })
	}
	if err == nil {
		_, err = service.Subscribe(natsTake, func(m *nats.Msg) { sink.Take(m.Data) })
	}
	if err == nil {
		err = service.Flush()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

type natsClient struct{ conn *nats.Conn }

func (c natsClient) Call(_, req []byte) ([]byte, error) {
	m, err := c.conn.Request(natsEcho, req, replyMax)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

func (c natsClient) Cast(body []byte) error { return c.conn.Publish(natsTake, body) }
func (c natsClient) Flush() error           { return c.conn.Flush() }

func (c natsClient) Close() error {
	c.conn.Close()
	return nil
}
