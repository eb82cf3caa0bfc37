package genserver

import (
	"context"
	"iter"
)

// A Result is how a call of several ended.
type Result[Rep any] struct {
	Reply Rep
	Err   error
}

// MultiCall calls several servers at once and yields, for each reference, how
// its call ended, in the order in which the calls end: a server that is slow or
// fails does not keep the others' replies back. The calls begin when the sequence
// is ranged over, and a loop that is left early gives up those that are open.
func MultiCall[Rep any](ctx context.Context, k Kernel, refs []string, event string, req any) iter.Seq2[string, Result[Rep]] {
	return func(yield func(string, Result[Rep]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		type end struct {
			ref    string
			result Result[Rep]
		}
		ends := make(chan end, len(refs)) // so that no call waits for its result to be wanted
		for _, ref := range refs {
			go func() {
				rep, err := Call[Rep](ctx, k, ref, event, req)
				ends <- end{ref, Result[Rep]{rep, err}}
			}()
		}
		for range refs {
			e := <-ends
			if !yield(e.ref, e.result) {
				return
			}
		}
	}
}
