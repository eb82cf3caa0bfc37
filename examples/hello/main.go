// Command hello is a server that answers "hello" with "world", and its callers,
// which need not care where it runs. In one terminal
//
//	go run ./examples/hello serve 127.0.0.1:7022
//
// starts a node with the server and calls it on the spot. In another
//
//	go run ./examples/hello call 127.0.0.1:7022
//
// is a second node that makes the same call.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 || args[0] != "serve" && args[0] != "call" {
		return errors.New("usage: hello serve|call HOST:PORT")
	}
	if args[0] == "serve" {
		return serve(ctx, args[1], out)
	}
	return call(ctx, args[1], out)
}

// serve runs a node with the server until ctx ends.
func serve(ctx context.Context, addr string, out io.Writer) error {
	// Without a cookie a node listens on loopback only. Give both nodes a Cookie
	// made by transport.NewCookie for anything else.
	k, err := transport.Start(ctx, transport.Config{ID: "ada", Addr: addr, Insecure: true})
	if err != nil {
		return err
	}
	defer k.Close()
	greeter := func(_ context.Context, s *genserver.Server) error {
		genserver.Handle(s, "hello", func(_ context.Context, from genserver.From, name string) (string, error) {
			return fmt.Sprintf("world, says ada to %s on %s", name, from.Node()), nil
		})
		return nil
	}
	if _, err := genserver.Start(k, "greeter", greeter); err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", k.Addr())
	if err := ask(ctx, k, "greeter", out); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// call asks the server from a node of its own.
func call(ctx context.Context, addr string, out io.Writer) error {
	k, err := transport.Start(ctx, transport.Config{ID: "bob", Insecure: true})
	if err != nil {
		return err
	}
	defer k.Close()
	node, err := k.Connect(ctx, addr)
	if err != nil {
		return err
	}
	return ask(ctx, k, "greeter@"+node, out)
}

// ask is the same for a server on this node and on another.
func ask(ctx context.Context, k *transport.Kernel, server string, out io.Writer) error {
	answer, err := genserver.Call[string](ctx, k, server, "hello", "you")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s\n", server, answer)
	return nil
}
