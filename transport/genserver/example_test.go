package genserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

// node starts a node for an example. Without a cookie it may listen on loopback
// only.
func node(id string) *transport.Kernel {
	k, err := transport.Start(context.Background(), transport.Config{ID: id, Addr: "127.0.0.1:0", Insecure: true})
	if err != nil {
		panic(err)
	}
	return k
}

// A server says "world" to who says "hello", here and from another node.
func Example() {
	ctx := context.Background()
	a, b := node("a"), node("b")
	defer a.Close()
	defer b.Close()
	if _, err := a.Connect(ctx, b.Addr()); err != nil {
		panic(err)
	}

	_, err := genserver.Start(b, "greeter", func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "hello", func(_ context.Context, from genserver.From, name string) (string, error) {
			return "world, " + name + " on " + from.Node(), nil
		})
		return nil
	})
	if err != nil {
		panic(err)
	}

	fmt.Println(genserver.Call[string](ctx, b, "greeter", "hello", "Bo"))
	fmt.Println(genserver.Call[string](ctx, a, "greeter@b", "hello", "Al"))
	// Output:
	// world, Bo on b <nil>
	// world, Al on a <nil>
}

// An error is found by its code, wherever it comes from.
func ExampleNewError() {
	errEmpty := genserver.NewError("empty", "the queue is empty")
	k := node("a")
	defer k.Close()
	_, err := genserver.Start(k, "queue", func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "take", func(context.Context, genserver.From, any) (string, error) {
			return "", fmt.Errorf("since noon: %w", errEmpty)
		})
		return nil
	})
	if err != nil {
		panic(err)
	}

	_, err = genserver.Call[string](context.Background(), k, "queue", "take", nil)
	fmt.Println(err)
	fmt.Println(errors.Is(err, errEmpty))

	_, err = genserver.Call[string](context.Background(), k, "nobody", "take", nil)
	fmt.Println(errors.Is(err, transport.ErrNoServer), transport.NotDelivered(err))
	// Output:
	// genserver: "take" of "queue": since noon: the queue is empty
	// true
	// true true
}

// The server is free while the answer is made elsewhere.
func ExampleAsync() {
	k := node("a")
	defer k.Close()
	_, err := genserver.Start(k, "prices", func(_ context.Context, s *genserver.Server) error {
		asked := 0
		genserver.Handle(s, "price", func(ctx context.Context, from genserver.From, item string) (int, error) {
			asked++
			return genserver.Async(ctx, from, func(ctx context.Context) (int, error) {
				return len(item), nil // after a slow question to a shop
			})
		})
		genserver.Handle(s, "asked", func(context.Context, genserver.From, any) (int, error) { return asked, nil })
		return nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(genserver.Call[int](context.Background(), k, "prices", "price", "apple"))
	fmt.Println(genserver.Call[int](context.Background(), k, "prices", "asked", nil))
	// Output:
	// 5 <nil>
	// 1 <nil>
}

// Results come as the servers reply; one that fails does not fail the others.
func ExampleMultiCall() {
	k := node("a")
	defer k.Close()
	for _, name := range []string{"one", "two"} {
		_, err := genserver.Start(k, name, func(_ context.Context, s *genserver.Server) error {
			genserver.Handle(s, "name", func(context.Context, genserver.From, any) (string, error) { return s.Name(), nil })
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	for ref, r := range genserver.MultiCall[string](context.Background(), k, []string{"one", "two", "three"}, "name", nil) {
		if r.Err != nil {
			fmt.Println(ref, "failed")
			continue
		}
		fmt.Println(ref, "replied", r.Reply)
	}
	// Unordered output:
	// one replied one
	// two replied two
	// three failed
}

// A handler answers with a stream that is read after it has returned.
func ExampleOpenStream() {
	k := node("a")
	defer k.Close()
	_, err := genserver.Start(k, "files", func(_ context.Context, s *genserver.Server) error {
		genserver.HandleStream(s, "get",
			func(_ context.Context, _ genserver.From, name string, _ io.Reader) (int, io.Reader, error) {
				text := strings.Repeat(name, 3)
				return len(text), strings.NewReader(text), nil
			})
		return nil
	})
	if err != nil {
		panic(err)
	}
	size, body, err := genserver.OpenStream[int](context.Background(), k, genserver.Message{Ref: "files", Event: "get", Value: "abc"})
	if err != nil {
		panic(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	fmt.Println(size, string(text), err)
	// Output: 9 abcabcabc <nil>
}

// A child that crashes is started again; what it had counted is gone.
func ExampleSupervise() {
	ctx := context.Background()
	k := node("a")
	defer k.Close()
	counter := func(_ context.Context, s *genserver.Server) error {
		n := 0
		genserver.Handle(s, "add", func(_ context.Context, _ genserver.From, by int) (int, error) {
			if by > 100 {
				panic("that is a lot")
			}
			n += by
			return n, nil
		})
		return nil
	}
	sup, err := genserver.Start(k, "sup", genserver.Supervise(genserver.Group{
		Strategy: genserver.OneForOne,
		Children: []genserver.Child{{Name: "counter", Init: counter}},
	}))
	if err != nil {
		panic(err)
	}
	fmt.Println(genserver.Call[int](ctx, k, "counter", "add", 1))
	_, err = genserver.Call[int](ctx, k, "counter", "add", 1000)
	fmt.Println(errors.Is(err, transport.ErrCrashed))
	fmt.Println(genserver.Call[int](ctx, k, "counter", "add", 2))
	fmt.Println(sup.Stop(ctx))
	// Output:
	// 1 <nil>
	// true
	// 2 <nil>
	// <nil>
}

// A mailbox that is full tells its senders.
func ExampleServer_SetMailbox() {
	k := node("a")
	defer k.Close()
	s, err := genserver.Start(k, "slow", func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "work", func(context.Context, genserver.From, int) (bool, error) { return true, nil })
		return s.SetMailbox(genserver.Mailbox{Len: 2, Policy: genserver.Reject})
	})
	if err != nil {
		panic(err)
	}
	s.Pause()
	for n := range 3 {
		err := genserver.Cast(context.Background(), k, "slow", "work", n)
		fmt.Println(errors.Is(err, transport.ErrOverload))
	}
	s.Resume()
	// Output:
	// false
	// false
	// true
}

// A monitor tells when a server ends, and why.
func ExampleMonitor() {
	k := node("a")
	defer k.Close()
	s, err := genserver.Start(k, "worker", func(context.Context, *genserver.Server) error { return nil })
	if err != nil {
		panic(err)
	}
	downs := make(chan genserver.Down)
	genserver.Monitor(k, "worker", func(d genserver.Down) { downs <- d })

	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		panic(err)
	}
	d := <-downs
	fmt.Println(d.Ref, errors.Is(d.Err, transport.ErrStopped))
	// Output: worker true
}
