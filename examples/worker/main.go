// Command worker lets a supervised server work on jobs, one of which makes it
// crash. The supervisor starts it again, and the jobs that waited are done.
//
//	go run ./examples/worker
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func main() { os.Exit(run(context.Background(), os.Stdout, os.Stderr)) }

// run is the program. It returns the exit code: 0, or 1 for a failure.
func run(ctx context.Context, stdout, stderr io.Writer) int {
	if err := work(ctx, stdout); err != nil {
		fmt.Fprintf(stderr, "worker: %v\n", err)
		return 1
	}
	return 0
}

// A result is what became of a job.
type result struct {
	Job    string `cbor:"job"`
	Square int    `cbor:"square"`
	Start  int    `cbor:"start"` // which start of the worker did it
}

// worker is the init of the server. It runs anew at each start.
func worker(starts *int) func(ctx context.Context, s *genserver.Server) error {
	return func(_ context.Context, s *genserver.Server) error {
		*starts++
		start := *starts
		genserver.Handle(s, "square", func(_ context.Context, _ genserver.From, job string) (result, error) {
			n, err := strconv.Atoi(job)
			if err != nil {
				panic(err) // a bug: such jobs were not thought of
			}
			return result{job, n * n, start}, nil
		})
		return nil
	}
}

// work gives jobs to a supervised worker and prints what became of them.
func work(ctx context.Context, out io.Writer) error {
	k, err := transport.Start(ctx, transport.Config{ID: "here", Cookie: transport.NewCookie()})
	if err != nil {
		return err
	}
	defer k.Close()
	starts := 0
	sup, err := genserver.Start(k, "supervisor", genserver.Supervise(genserver.Group{
		Strategy:  genserver.OneForOne,
		Intensity: 2,
		Period:    time.Minute,
		Children:  []genserver.Child{{Name: "worker", Init: worker(&starts)}},
	}))
	if err != nil {
		return err
	}
	downs := make(chan genserver.Down, 1)
	genserver.Monitor(k, "worker", func(d genserver.Down) { downs <- d })

	for _, job := range []string{"2", "3", "four", "5"} {
		r, err := genserver.Call[result](ctx, k, "worker", "square", job)
		switch {
		case errors.Is(err, transport.ErrCrashed):
			fmt.Fprintf(out, "job %s crashed the worker\n", job)
			fmt.Fprintf(out, "monitor: %s is down\n", (<-downs).Ref)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "job %s: %d, by start %d of the worker\n", job, r.Square, r.Start)
		}
	}

	var children []genserver.ChildStatus
	if children, err = genserver.Call[[]genserver.ChildStatus](ctx, k, "supervisor", "children", nil); err != nil {
		return err
	}
	for _, c := range children {
		fmt.Fprintf(out, "%s runs: %v, restarts: %d\n", c.Name, c.Running, c.Restarts)
	}

	for range 2 { // one crash too many
		if _, err := genserver.Call[result](ctx, k, "worker", "square", "x"); err == nil {
			return errors.New("a job that is no number was done")
		}
	}
	<-sup.Done()
	fmt.Fprintf(out, "supervisor: %v\n", sup.Err())
	return nil
}
