package transport_test

import (
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/transporttest"
)

// Long bodies that are whole, and must stay behind one that is not, must not keep
// that one from going on.
func TestLongBodiesDoNotWaitForEachOther(t *testing.T) {
	pair(t, func(w *world, a, b *transport.Kernel) {
		w.net.Set("a", "b", transporttest.Faults{Rate: 20 << 20})
		box := record(w, b, "box", -1)
		for _, size := range []int{16 << 20, 3 << 20, 3 << 20} {
			go a.Cast(w.t.Context(), "b", "box", transport.Message{Body: make([]byte, size)})
			settle()
		}
		pass(5 * time.Second)
		if n := len(box.bodies()); n != 3 {
			w.t.Errorf("%d of 3 long casts arrived", n)
		}
	})
}
