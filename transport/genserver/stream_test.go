package genserver_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// A closer notes that it was closed.
type closer struct {
	io.Reader
	closed atomic.Bool
}

func (c *closer) Close() error {
	c.closed.Store(true)
	return nil
}

// random returns n bytes that look like nothing.
func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func streams(sent *closer) func(context.Context, *genserver.Server) error {
	return func(_ context.Context, s *genserver.Server) error {
		genserver.HandleReader(s, "sum", func(_ context.Context, _ genserver.From, _ string, body io.Reader) ([]byte, error) {
			h := sha256.New()
			_, err := io.Copy(h, body)
			return h.Sum(nil), err
		})
		genserver.HandleReader(s, "first", func(_ context.Context, _ genserver.From, n int, body io.Reader) ([]byte, error) {
			b := make([]byte, n)
			_, err := io.ReadFull(body, b)
			return b, err
		})
		genserver.HandleStream(s, "fetch", func(context.Context, genserver.From, string, io.Reader) (string, io.Reader, error) {
			return "here", sent, nil
		})
		genserver.HandleStream(s, "slow", func(context.Context, genserver.From, string, io.Reader) (string, io.Reader, error) {
			pass(2 * time.Second)
			return "here", sent, nil
		})
		genserver.HandleStream(s, "upper", func(_ context.Context, _ genserver.From, _ any, body io.Reader) (bool, io.Reader, error) {
			all, err := io.ReadAll(body)
			return true, bytes.NewReader(bytes.ToUpper(all)), err
		})
		genserver.HandleStream(s, "refuse", func(context.Context, genserver.From, any, io.Reader) (bool, io.Reader, error) {
			return true, sent, errEmpty
		})
		return nil
	}
}

func TestStreamsOfCallers(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		p.start("srv", streams(nil))
		for _, n := range []int{0, 1, 1000, 3 << 20} {
			data := random(n)
			sum := sha256.Sum256(data)
			got, err := genserver.CallReader[[]byte](p.t.Context(), p.here, p.ref("srv"), "sum", "x", bytes.NewReader(data))
			if err != nil || !bytes.Equal(got, sum[:]) {
				p.t.Errorf("%d bytes: sum is %x, %v", n, got, err)
			}
		}
		got, err := genserver.CallReader[[]byte](p.t.Context(), p.here, p.ref("srv"), "first", 3, bytes.NewReader(random(2<<20)))
		if err != nil || !bytes.Equal(got, random(3)) {
			p.t.Errorf("the first bytes are %x, %v", got, err)
		}
		sum := sha256.Sum256(nil)
		if got, err := call[[]byte](p, "srv", "sum", "x"); err != nil || !bytes.Equal(got, sum[:]) {
			p.t.Errorf("without a stream: sum is %x, %v", got, err)
		}
	})
}

func TestStreamsOfHandlers(t *testing.T) {
	everywhere(t, func(p *place) {
		data := random(3 << 20)
		sent := &closer{Reader: bytes.NewReader(data)}
		p.start("srv", streams(sent))
		m := genserver.Message{Ref: p.ref("srv"), Event: "fetch", Value: "x"}
		rep, body, err := genserver.OpenStream[string](p.t.Context(), p.here, m)
		if err != nil || rep != "here" {
			p.t.Fatalf("replied %q, %v", rep, err)
		}
		if _, err := call[[]byte](p, "srv", "sum", "x"); err != nil {
			p.t.Errorf("the server is not free while its stream is read: %v", err)
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, data) {
			p.t.Errorf("%d bytes of %d arrived, %v", len(got), len(data), err)
		}
		if err := body.Close(); err != nil {
			p.t.Error(err)
		}
		settle()
		if !sent.closed.Load() {
			p.t.Error("the handler's stream was not closed")
		}

		m = genserver.Message{Ref: p.ref("srv"), Event: "upper", Stream: strings.NewReader("both ways")}
		_, body, err = genserver.OpenStream[bool](p.t.Context(), p.here, m)
		if err != nil {
			p.t.Fatal(err)
		}
		if got, err := io.ReadAll(body); string(got) != "BOTH WAYS" || err != nil {
			p.t.Errorf("read %q, %v", got, err)
		}
		body.Close()

		_, body, err = genserver.OpenStream[[]byte](p.t.Context(), p.here, genserver.Message{Ref: p.ref("srv"), Event: "sum", Value: "x"})
		if err != nil {
			p.t.Fatal(err)
		}
		if n, err := body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			p.t.Errorf("a stream that nobody sent yields %d bytes, %v", n, err)
		}
		body.Close()
	})
}

// A stream that nobody wants must be closed, wherever it ends up.
func TestStreamsThatNobodyReadsAreClosed(t *testing.T) {
	everywhere(t, func(p *place) {
		for name, use := range map[string]func() error{
			"the caller asks for the reply alone": func() error {
				rep, err := call[string](p, "srv", "fetch", "x")
				if rep != "here" {
					p.t.Errorf("replied %q", rep)
				}
				return err
			},
			"the caller closes it at once": func() error {
				_, body, err := genserver.OpenStream[string](p.t.Context(), p.here, genserver.Message{Ref: p.ref("srv"), Event: "fetch", Value: "x"})
				if err == nil {
					body.Close()
				}
				return err
			},
			"it comes with an error": func() error {
				_, err := call[string](p, "srv", "refuse", nil)
				want(p.t, err, errEmpty)
				return nil
			},
			"the reply is of the wrong type": func() error {
				_, _, err := genserver.OpenStream[int](p.t.Context(), p.here, genserver.Message{Ref: p.ref("srv"), Event: "fetch", Value: "x"})
				want(p.t, err, genserver.ErrBadReply)
				return nil
			},
			"the caller gives up before it is made": func() error {
				ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
				defer cancel()
				_, _, err := genserver.OpenStream[string](ctx, p.here, genserver.Message{Ref: p.ref("srv"), Event: "slow", Value: "x"})
				want(p.t, err, transport.ErrTimeout)
				pass(time.Second)
				return nil
			},
			"it answers a cast": func() error { return cast(p, "srv", "fetch", "x") },
		} {
			sent := &closer{Reader: bytes.NewReader(random(1 << 20))}
			s := p.start("srv", streams(sent))
			if err := use(); err != nil {
				p.t.Errorf("%s: %v", name, err)
			}
			settle()
			if !sent.closed.Load() {
				p.t.Errorf("%s: the stream is open", name)
			}
			s.Kill()
		}
	})
}

// The stream of a caller stays the caller's: he may go on with it.
func TestStreamsOfCallersStayOpen(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", streams(nil))
		for _, event := range []string{"sum", "first", "nothing"} {
			sent := &closer{Reader: bytes.NewReader(random(100_000))}
			_, err := genserver.CallReader[[]byte](p.t.Context(), p.here, p.ref("srv"), event, nil, sent)
			settle()
			if sent.closed.Load() {
				p.t.Errorf("%s, which ended with %v, closed it", event, err)
			}
		}
	})
}

// A bomb is a stream that panics.
type bomb struct{ closed chan struct{} }

func (b bomb) Read([]byte) (int, error) { panic("no bytes") }

func (b bomb) Close() error {
	defer close(b.closed)
	panic("no end")
}

// Streams to other nodes are read by goroutines of the kernel, and a panic there
// would be the end of the process.
func TestStreamsThatPanic(t *testing.T) {
	bubble(t, func(w *world) {
		p := &place{w, w.nodes["a"], w.nodes["b"]}
		b := bomb{make(chan struct{})}
		p.start("srv", func(ctx context.Context, s *genserver.Server) error {
			genserver.HandleStream(s, "bomb", func(context.Context, genserver.From, any, io.Reader) (bool, io.Reader, error) {
				return true, b, nil
			})
			return streams(nil)(ctx, s)
		})
		_, body, err := genserver.OpenStream[bool](p.t.Context(), p.here, genserver.Message{Ref: p.ref("srv"), Event: "bomb"})
		if err != nil {
			p.t.Fatal(err)
		}
		defer body.Close()
		if _, err := io.ReadAll(body); err == nil || !strings.Contains(err.Error(), "no bytes") {
			p.t.Errorf("the stream ended with %v", err)
		}
		<-b.closed
		_, err = genserver.CallReader[[]byte](p.t.Context(), p.here, p.ref("srv"), "sum", "x", bomb{})
		if err == nil || !strings.Contains(err.Error(), "no bytes") {
			p.t.Errorf("the call ended with %v", err)
		}
	})
}

func TestStreamsThatBreak(t *testing.T) {
	everywhereAndTCP(t, func(p *place) {
		broken := errors.New("the disk is gone")
		half := func() io.Reader { return io.MultiReader(bytes.NewReader(random(100_000)), iotest.ErrReader(broken)) }
		sent := &closer{Reader: half()}
		p.start("srv", streams(sent))
		_, err := genserver.CallReader[[]byte](p.t.Context(), p.here, p.ref("srv"), "sum", "x", half())
		if err == nil || !strings.Contains(err.Error(), broken.Error()) {
			p.t.Errorf("a caller's stream that breaks: %v", err)
		}
		_, body, err := genserver.OpenStream[string](p.t.Context(), p.here, genserver.Message{Ref: p.ref("srv"), Event: "fetch", Value: "x"})
		if err != nil {
			p.t.Fatal(err)
		}
		defer body.Close()
		if n, err := io.Copy(io.Discard, body); err == nil || n != 100_000 || !strings.Contains(err.Error(), broken.Error()) {
			p.t.Errorf("a handler's stream that breaks: %d bytes, %v", n, err)
		}
	})
}

// A handler that reads later must not read what has become the caller's again.
func TestStreamsEndWithTheirCall(t *testing.T) {
	everywhere(t, func(p *place) {
		late := make(chan error, 1)
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.HandleReader(s, "later", func(_ context.Context, _ genserver.From, _ any, body io.Reader) (bool, error) {
				time.AfterFunc(time.Second, func() {
					_, err := body.Read(make([]byte, 10))
					late <- err
				})
				return true, nil
			})
			return nil
		})
		stream := strings.NewReader("0123456789")
		if _, err := genserver.CallReader[bool](p.t.Context(), p.here, p.ref("srv"), "later", nil, stream); err != nil {
			p.t.Fatal(err)
		}
		if err := <-late; err == nil {
			p.t.Error("the handler read after its call had ended")
		}
	})
}

func TestReadersThatAnswerLater(t *testing.T) {
	everywhere(t, func(p *place) {
		p.start("srv", func(_ context.Context, s *genserver.Server) error {
			genserver.HandleReader(s, "count", func(ctx context.Context, from genserver.From, _ any, body io.Reader) (int64, error) {
				return genserver.Async(ctx, from, func(context.Context) (int64, error) { return io.Copy(io.Discard, body) })
			})
			genserver.Handle(s, "hello", func(context.Context, genserver.From, any) (string, error) { return "world", nil })
			return nil
		})
		r, w := io.Pipe()
		end := make(chan error, 1)
		go func() {
			n, err := genserver.CallReader[int64](p.t.Context(), p.here, p.ref("srv"), "count", nil, r)
			if n != 10 {
				err = errors.Join(err, errors.New("not 10 bytes"))
			}
			end <- err
		}()
		w.Write([]byte("01234"))
		settle()
		if got, err := call[string](p, "srv", "hello", nil); got != "world" || err != nil {
			p.t.Errorf("while a stream is read the server replies %q, %v", got, err)
		}
		w.Write([]byte("56789"))
		w.Close()
		if err := <-end; err != nil {
			p.t.Error(err)
		}
	})
}

func TestALostNodeBreaksStreams(t *testing.T) {
	bubble(t, func(w *world) {
		read := make(chan error, 1)
		start(w, w.nodes["b"], "srv", func(_ context.Context, s *genserver.Server) error {
			genserver.HandleReader(s, "count", func(_ context.Context, _ genserver.From, _ any, body io.Reader) (int64, error) {
				n, err := io.Copy(io.Discard, body)
				read <- err
				return n, err
			})
			return nil
		})
		r, pipe := io.Pipe()
		defer pipe.Close()
		end := make(chan error, 1)
		go func() {
			_, err := genserver.CallReader[int64](w.t.Context(), w.nodes["a"], "srv@b", "count", nil, r)
			end <- err
		}()
		pipe.Write([]byte("x"))
		settle()
		w.nodes["a"].Abort()
		if err := <-read; err == nil {
			w.t.Error("the handler took a broken stream for a complete one")
		}
		if err := <-end; !errors.Is(err, transport.ErrNodeDown) && !errors.Is(err, transport.ErrClosed) {
			w.t.Errorf("the caller is told %v", err)
		}
	})
}
