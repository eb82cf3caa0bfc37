package hashring_test

import (
	"strconv"
	"testing"

	"github.com/clusterluck/clusterluck/hashring"
)

// FuzzUpdate turns bytes into updates of a ring and compares it with the twin
// after each. Two bytes are one change: what, and to which of 16 nodes; a third
// of the changes end their update. Positions of 8 bits make every tie turn up.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{1, 1, 4, 2, 8, 3, 2, 1, 0, 3}, uint8(0))        // adds, then removes
	f.Add([]byte{40, 1, 4, 1, 80, 1, 1, 1, 2, 1}, uint8(1))      // re-weights one node, ties
	f.Add([]byte("many changes of few nodes, 8 bits"), uint8(3)) // two probes, ties
	f.Fuzz(func(t *testing.T, changes []byte, mode uint8) {
		opts := hashring.Options{Points: 12, Probes: 1 + int(mode>>1&1)}
		truncate := mode & 1 * 36
		if mode>>2&1 == 1 {
			opts = hashring.Options{Points: 3, Probes: 1, Layout: hashring.Clusterluck}
		}
		r, err := hashring.New(hashring.Truncated(opts, truncate))
		if err != nil {
			t.Fatal(err)
		}
		w := newTwin(opts, truncate)
		if len(changes) > 64 {
			changes = changes[:64]
		}
		for len(changes) >= 2 {
			err := r.Update(func(tx *hashring.Tx) error {
				for len(changes) >= 2 {
					what, id := changes[0], "n"+strconv.Itoa(int(changes[1]%16))
					changes = changes[2:]
					if what%4 == 0 {
						tx.Remove(id)
						delete(w.nodes, id)
					} else {
						n := hashring.Node{ID: id, Weight: 1 + int(what>>2%16)}
						if err := tx.Set(n); err != nil {
							return err
						}
						w.nodes[id] = n
					}
					if what%3 == 0 {
						break
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			w.lay()
			w.checkAll(t, r)
			for i := range 8 {
				w.check(t, r, strconv.Itoa(i+len(changes)))
			}
			for i := 0; i < len(w.points); i += 1 + len(w.points)/8 {
				w.checkHash(t, r, w.points[i].at)
				w.checkNeighbors(t, r, w.points[i].id)
			}
		}
	})
}
