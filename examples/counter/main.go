// Command counter serves a counter on two nodes and counts on both with the same
// call, here and over the network.
//
//	go run ./examples/counter
//
// runs both nodes in one process, connected over loopback. In two terminals they
// are two processes:
//
//	go run ./examples/counter -id a -listen 127.0.0.1:7400
//	go run ./examples/counter -id b -join 127.0.0.1:7400 -add 3
//
// Both then run without a secret, which is allowed on loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program. It returns the exit code: 0, 1 for a failure, or 2 for
// wrong arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("counter", flag.ContinueOnError)
	flags.SetOutput(stderr)
	id := flags.String("id", "a", "the name of the node")
	listen := flags.String("listen", "", "serve a counter at this address until interrupted")
	join := flags.String("join", "", "count on the node at this address")
	add := flags.Int("add", 1, "what to add there")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 || *listen != "" && *join != "" {
		fmt.Fprintln(stderr, "counter: give -listen or -join, or neither, and no other arguments")
		return 2
	}
	var err error
	switch {
	case *listen != "":
		err = serve(ctx, stdout, *id, *listen)
	case *join != "":
		err = count(ctx, stdout, *id, *join, *add)
	default:
		err = both(ctx, stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "counter: %v\n", err)
		return 1
	}
	return 0
}

// counter is the init of the server: its state is one number, which only its
// handlers see, one at a time.
func counter(_ context.Context, s *genserver.Server) error {
	total := 0
	genserver.Handle(s, "add", func(_ context.Context, _ genserver.From, n int) (int, error) {
		total += n
		return total, nil
	})
	return nil
}

// start starts a node with a counter. An empty address means that it only dials.
func start(ctx context.Context, id, addr string) (*transport.Kernel, error) {
	k, err := transport.Start(ctx, transport.Config{ID: id, Addr: addr, Insecure: true})
	if err != nil {
		return nil, err
	}
	if _, err := genserver.Start(k, "counter", counter); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// serve runs a node until ctx ends.
func serve(ctx context.Context, out io.Writer, id, addr string) error {
	k, err := start(ctx, id, addr)
	if err != nil {
		return err
	}
	defer k.Close()
	fmt.Fprintf(out, "counter@%s at %s\n", id, k.Addr())
	<-ctx.Done()
	return nil
}

// count adds to the counter of another node.
func count(ctx context.Context, out io.Writer, id, addr string, n int) error {
	k, err := start(ctx, id, "")
	if err != nil {
		return err
	}
	defer k.Close()
	other, err := k.Connect(ctx, addr)
	if err != nil {
		return err
	}
	return addTo(ctx, out, k, "counter@"+other, n)
}

// addTo adds to a counter, wherever it is.
func addTo(ctx context.Context, out io.Writer, k *transport.Kernel, ref string, n int) error {
	total, err := genserver.Call[int](ctx, k, ref, "add", n)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s adds %d to %s: %d\n", k.ID(), n, ref, total)
	return nil
}

// both runs two nodes, and lets each count on both.
func both(ctx context.Context, out io.Writer) error {
	a, err := start(ctx, "a", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := start(ctx, "b", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer b.Close()
	if _, err := a.Connect(ctx, b.Addr()); err != nil {
		return err
	}
	for n, k := range []*transport.Kernel{a, b} {
		for _, ref := range []string{"counter", "counter@a", "counter@b"} {
			if err := addTo(ctx, out, k, ref, n+1); err != nil {
				return err
			}
		}
	}

	sum := 0
	var missing []string
	refs := append(genserver.Refs("counter", "a", "b"), "counter@nowhere")
	for ref, r := range genserver.MultiCall[int](ctx, a, refs, "add", 0) {
		if r.Err != nil {
			missing = append(missing, ref)
			continue
		}
		sum += r.Reply
	}
	slices.Sort(missing)
	fmt.Fprintf(out, "together %d; no answer from %v\n", sum, missing)
	return nil
}
