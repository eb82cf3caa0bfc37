//go:build apart

package system

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ergo-services/ergo"
	"github.com/ergo-services/ergo/etf"
	"github.com/ergo-services/ergo/gen"
	"github.com/ergo-services/ergo/lib"
	"github.com/ergo-services/ergo/node"
)

// ergoNodes is Ergo 2, which speaks Erlang's protocol. Only a process can call,
// so that there is one for each outstanding call.
func ergoNodes() System {
	return System{
		Name: "ergo", Kind: Apart,
		Note:  "version 2; mailboxes of 65535, since it drops what the default of 100 cannot hold",
		Serve: serveErgo,
		Dial:  dialErgo,
		Local: localErgo,
	}
}

const (
	ergoCookie  = "bench"
	ergoServer  = "server@127.0.0.1"
	ergoClient  = "client@127.0.0.1"
	ergoMailbox = 1<<16 - 1
)

// ergoRegistrar knows nobody. Nodes find each other by static routes, and a node
// without a registrar panics when it looks for proxies.
type ergoRegistrar struct{}

// Register does nothing.
func (ergoRegistrar) Register(context.Context, string, node.RegisterOptions) error { return nil }

// RegisterProxy does nothing.
func (ergoRegistrar) RegisterProxy(string, int, node.ProxyFlags) error { return nil }

// UnregisterProxy does nothing.
func (ergoRegistrar) UnregisterProxy(string) error { return nil }

// Resolve finds nothing.
func (ergoRegistrar) Resolve(string) (node.Route, error) { return node.Route{}, lib.ErrNoRoute }

// ResolveProxy finds nothing.
func (ergoRegistrar) ResolveProxy(string) (node.ProxyRoute, error) {
	return node.ProxyRoute{}, lib.ErrProxyNoRoute
}

// Config finds nothing.
func (ergoRegistrar) Config() (c node.RegistrarConfig, err error) { return c, lib.ErrUnknown }

// ConfigItem finds nothing.
func (ergoRegistrar) ConfigItem(string) (etf.Term, error) { return nil, lib.ErrUnknown }

// SetConfigUpdateCallback does nothing.
func (ergoRegistrar) SetConfigUpdateCallback(func(string, etf.Term) error) error { return nil }

// ergoNode starts a node that finds others by static routes only.
func ergoNode(name string, port int) (node.Node, error) {
	return ergo.StartNode(name, ergoCookie, node.Options{
		Registrar: ergoRegistrar{},
		Listeners: []node.Listener{{Hostname: loopback, Listen: uint16(port)}},
		System:    node.System{DisableAnonMetrics: true},
	})
}

// ergoEcho is the serving process.
type ergoEcho struct {
	gen.Server
	take func([]byte)
}

// HandleCall answers with the request.
func (e *ergoEcho) HandleCall(_ *gen.ServerProcess, _ gen.ServerFrom, m etf.Term) (etf.Term, gen.ServerStatus) {
	return m, gen.ServerStatusOK
}

// HandleCast counts.
func (e *ergoEcho) HandleCast(_ *gen.ServerProcess, m etf.Term) gen.ServerStatus {
	b, _ := m.([]byte)
	e.take(b)
	return gen.ServerStatusOK
}

func serveErgo(sink *Sink) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n, err := ergoNode(ergoServer, port)
	if err != nil {
		return nil, err
	}
	if _, err := n.Spawn("bench", gen.ProcessOptions{MailboxSize: ergoMailbox}, &ergoEcho{take: sink.Take}); err != nil {
		n.Stop()
		return nil, err
	}
	return &Server{Addr: loopback + ":" + strconv.Itoa(port), Close: n.Stop}, nil
}

// ergoCaller is a calling process: what it is told directly, it calls or casts.
type ergoCaller struct{ gen.Server }

type ergoCall struct {
	to   any
	body []byte
}

type ergoCast struct {
	to   any
	body []byte
}

// HandleDirect calls and casts.
func (e *ergoCaller) HandleDirect(p *gen.ServerProcess, _ etf.Ref, m any) (any, gen.DirectStatus) {
	switch m := m.(type) {
	case ergoCall:
		return p.Call(m.to, m.body)
	case ergoCast:
		return nil, p.Cast(m.to, m.body)
	}
	return nil, errors.ErrUnsupported
}

type ergoConn struct {
	node    node.Node
	to      any
	caster  gen.Process
	callers chan gen.Process
}

// ergoCallers is the number of processes that call.
const ergoCallers = 1024

func dialErgo(addr string) (Client, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	_, p, _ := strings.Cut(addr, ":")
	there, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return nil, err
	}
	n, err := ergoNode(ergoClient, port)
	if err != nil {
		return nil, err
	}
	c := &ergoConn{node: n, to: gen.ProcessID{Name: "bench", Node: ergoServer}}
	err = n.AddStaticRoute(ergoServer, loopback, uint16(there), node.RouteOptions{IsErgo: true})
	if err == nil {
		err = n.Connect(ergoServer)
	}
	if err == nil {
		err = c.spawn()
	}
	if err != nil {
		n.Stop()
		return nil, err
	}
	return c, nil
}

// spawn starts the processes that call and cast.
func (c *ergoConn) spawn() (err error) {
	c.callers = make(chan gen.Process, ergoCallers)
	for range ergoCallers {
		p, err := c.node.Spawn("", gen.ProcessOptions{}, &ergoCaller{})
		if err != nil {
			return err
		}
		c.callers <- p
	}
	c.caster, err = c.node.Spawn("", gen.ProcessOptions{}, &ergoCaller{})
	return err
}

func (c *ergoConn) Call(_, req []byte) ([]byte, error) {
	p := <-c.callers
	rep, err := p.Direct(ergoCall{c.to, req})
	c.callers <- p
	if err != nil {
		return nil, err
	}
	b, ok := rep.([]byte)
	if !ok {
		return nil, fmt.Errorf("ergo: reply of type %T", rep)
	}
	return b, nil
}

// Cast sends what gen.ServerProcess.Cast sends, without the detour over the
// caller's mailbox.
func (c *ergoConn) Cast(body []byte) error {
	return c.caster.Send(c.to, etf.Tuple{etf.Atom("$gen_cast"), body})
}

func (c *ergoConn) Flush() error { return nil }

func (c *ergoConn) Close() error {
	c.node.Stop()
	return nil
}

// ergoLocal is a process of the same node. The loops run inside a process, since
// only a process can call.
type ergoLocal struct {
	gen.Server
	node  node.Node
	to    gen.Process
	self  gen.Process
	tally *tally
}

func localErgo() (Local, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n, err := ergoNode("local@127.0.0.1", port)
	if err != nil {
		return nil, err
	}
	l := &ergoLocal{node: n, tally: newTally()}
	l.to, err = n.Spawn("", gen.ProcessOptions{MailboxSize: ergoMailbox}, &ergoEcho{take: func([]byte) { l.tally.take() }})
	if err == nil {
		l.self, err = n.Spawn("", gen.ProcessOptions{}, l)
	}
	if err != nil {
		n.Stop()
		return nil, err
	}
	return l, nil
}

// ergoCalls asks for that many calls.
type ergoCalls int

// HandleDirect makes calls.
func (l *ergoLocal) HandleDirect(p *gen.ServerProcess, _ etf.Ref, m any) (any, gen.DirectStatus) {
	n, ok := m.(ergoCalls)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	body := localBody()
	for range n {
		rep, err := p.Call(l.to.Self(), body)
		if err != nil {
			return nil, err
		}
		b, _ := rep.([]byte)
		if err := same(b, body); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Calls makes n calls from the process.
func (l *ergoLocal) Calls(n int) error {
	_, err := l.self.DirectWithTimeout(ergoCalls(n), 60)
	return err
}

// Casts makes n casts, and waits whenever the mailbox may be full.
func (l *ergoLocal) Casts(n int) error {
	body, to := localBody(), l.to.Self()
	for n > 0 {
		k := min(n, ergoMailbox/2)
		l.tally.expect(k)
		for range k {
			if err := l.self.Send(to, etf.Tuple{etf.Atom("$gen_cast"), body}); err != nil {
				return err
			}
		}
		if err := l.tally.wait(); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// Close stops the node.
func (l *ergoLocal) Close() { l.node.Stop() }
