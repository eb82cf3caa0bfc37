package transport_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/clusterluck/clusterluck/transport"
)

// The list of what may be lost agrees with a plain one, whatever is sent and
// acknowledged, in whatever order.
func TestUnackedAgreesWithAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var u transport.Unacked
		type request struct {
			server string
			cast   bool
		}
		var sent []request
		acked := 0
		for range r.IntN(3000) {
			if r.IntN(100) > 0 {
				q := request{fmt.Sprint(r.IntN(4)), r.IntN(3) > 0}
				sent = append(sent, q)
				u.Push(q.server, q.cast)
				continue
			}
			acked += r.IntN(len(sent) - acked + 1)
			if !u.Ack(uint64(acked)) {
				t.Fatalf("round %d: %d of %d refused", round, acked, len(sent))
			}
		}
		want := map[string]int{}
		for _, q := range sent[acked:] {
			if q.cast {
				want[q.server]++
			}
		}
		if got := u.Casts(); !maps.Equal(got, want) {
			t.Fatalf("round %d: %v may be lost, want %v", round, got, want)
		}
		if u.Ack(uint64(len(sent) + 1)) {
			t.Fatalf("round %d: more was acknowledged than sent", round)
		}
	}
}
