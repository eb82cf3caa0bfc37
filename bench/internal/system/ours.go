package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// genServer is this project: a kernel on each side, and a server that is called
// and cast.
func genServer() System {
	return System{
		Name: "genserver", Kind: Ours,
		Note:  "this project, default settings: AES-GCM, a cookie, a deadline for each call",
		Serve: serveOurs,
		Dial:  dialOurs,
		Local: localOurs,
	}
}

// The serving node, its servers and their events.
const (
	oursNode = "server"
	oursEcho = "bench"
	oursBulk = "bulk" // apart, since a handler that reads a stream keeps its server busy
)

// serveOurs starts the serving node. Its address is followed by its cookie.
func serveOurs(sink *Sink) (*Server, error) {
	cookie := transport.NewCookie()
	k, err := transport.Start(context.Background(), transport.Config{ID: oursNode, Addr: loopback + ":0", Cookie: cookie})
	if err != nil {
		return nil, err
	}
	_, err = genserver.Start(k, oursEcho, func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "echo", func(_ context.Context, _ genserver.From, req []byte) ([]byte, error) { return req, nil })
		genserver.Handle(s, "take", func(_ context.Context, _ genserver.From, body []byte) (struct{}, error) {
			sink.Take(body)
			return struct{}{}, nil
		})
		return nil
	})
	if err == nil {
		_, err = genserver.Start(k, oursBulk, func(_ context.Context, s *genserver.Server) error {
			genserver.HandleReader(s, "read", func(_ context.Context, _ genserver.From, _ int, body io.Reader) (int64, error) {
				return io.Copy(io.Discard, body)
			})
			return nil
		})
	}
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return &Server{Addr: k.Addr() + "/" + cookie, Close: func() { k.Close() }}, nil
}

// oursClient is the calling node.
type oursClient struct {
	kernel     *transport.Kernel
	echo, bulk string
}

func dialOurs(addr string) (Client, error) {
	addr, cookie, _ := strings.Cut(addr, "/")
	k, err := transport.Start(context.Background(), transport.Config{ID: "client", Cookie: cookie})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), replyMax)
	defer cancel()
	node, err := k.Connect(ctx, addr)
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return &oursClient{k, oursEcho + "@" + node, oursBulk + "@" + node}, nil
}

func (c *oursClient) Call(_, req []byte) ([]byte, error) {
	return genserver.Call[[]byte](context.Background(), c.kernel, c.echo, "echo", req)
}

func (c *oursClient) Cast(body []byte) error {
	return genserver.Cast(context.Background(), c.kernel, c.echo, "take", body)
}

func (c *oursClient) Flush() error { return nil }
func (c *oursClient) Close() error { return c.kernel.Close() }

// Reported counts the casts that the kernel said were lost, or may be.
func (c *oursClient) Reported() int {
	s := c.kernel.Stats()
	n := s.Unconfirmed
	for _, dropped := range s.Dropped {
		n += dropped
	}
	return int(n)
}

// Stream sends n bytes beside a call, whose reply says how many were read.
func (c *oursClient) Stream(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := genserver.CallReader[int64](ctx, c.kernel, c.bulk, "read", n, io.LimitReader(letters{}, int64(n)))
	if err == nil && got != int64(n) {
		err = fmt.Errorf("%d of %d bytes were read", got, n)
	}
	return err
}

// letters reads as the same letter for ever.
type letters struct{}

var manyLetters = bytes.Repeat([]byte{'x'}, 64<<10)

// Read copies as many as p and manyLetters have, as a file would.
func (letters) Read(p []byte) (int, error) { return copy(p, manyLetters), nil }

// oursLocal is a server of the same node.
type oursLocal struct {
	kernel *transport.Kernel
	tally  *tally
}

func localOurs() (Local, error) {
	k, err := transport.Start(context.Background(), transport.Config{ID: "local", Cookie: transport.NewCookie()})
	if err != nil {
		return nil, err
	}
	l := &oursLocal{k, newTally()}
	_, err = genserver.Start(k, oursEcho, func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "echo", func(_ context.Context, _ genserver.From, req *localCall) (*localCall, error) { return req, nil })
		genserver.Handle(s, "take", func(context.Context, genserver.From, *localCast) (struct{}, error) {
			l.tally.take()
			return struct{}{}, nil
		})
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return l, nil
}

func (l *oursLocal) Calls(n int) error {
	m := &localCall{localBody()}
	for range n {
		rep, err := genserver.Call[*localCall](context.Background(), l.kernel, oursEcho, "echo", m)
		if err != nil {
			return err
		}
		if err := same(rep.body, m.body); err != nil {
			return err
		}
	}
	return nil
}

func (l *oursLocal) Casts(n int) error {
	l.tally.expect(n)
	m := &localCast{localBody()}
	for range n {
		if err := genserver.Cast(context.Background(), l.kernel, oursEcho, "take", m); err != nil {
			return err
		}
	}
	return l.tally.wait()
}

func (l *oursLocal) Close() { l.kernel.Close() }
