package pages_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/clusterluck/clusterluck/hashring"
)

func Example() {
	ring, err := hashring.New(hashring.Options{},
		hashring.Node{ID: "ams-1"}, hashring.Node{ID: "ams-2"}, hashring.Node{ID: "fra-1", Weight: 2})
	if err != nil {
		log.Fatal(err)
	}
	owner, _ := ring.Owner("user:42")              // the node that has the key
	copies := ring.AppendOwners(nil, "user:42", 2) // it, and the node for a copy

	fmt.Println(owner, copies)
	// Output: fra-1 [fra-1 ams-1]
}

func Example_change() {
	ring, err := threeNodes()
	if err != nil {
		log.Fatal(err)
	}

	before := ring.Snapshot()
	err = ring.Update(func(tx *hashring.Tx) error {
		tx.Remove("ams-1")
		return tx.Add(hashring.Node{ID: "ams-3"})
	})
	if err != nil {
		log.Fatal(err)
	}

	delta, err := hashring.Diff(before, ring.Snapshot())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f %% of all keys move\n", 100*delta.Moved)
	for _, flow := range delta.Flows {
		fmt.Printf("%s -> %s %.1f %%\n", flow.From, flow.To, 100*flow.Fraction)
	}
	// Output:
	// 41.3 % of all keys move
	// ams-1 -> ams-3 11.2 %
	// ams-1 -> fra-1 11.0 %
	// fra-1 -> ams-3 10.8 %
	// ams-2 -> ams-3 4.4 %
	// ams-1 -> ams-2 3.9 %
}

func Example_zones() {
	ring, err := hashring.New(hashring.Options{},
		hashring.Node{ID: "ams-1", Zone: "ams"}, hashring.Node{ID: "ams-2", Zone: "ams"},
		hashring.Node{ID: "fra-1", Zone: "fra"}, hashring.Node{ID: "fra-2", Zone: "fra"})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(ring.AppendOwners(nil, "user:7", 3))
	fmt.Println(ring.AppendZoneOwners(nil, "user:7", 3)) // one of each zone first
	// Output:
	// [fra-1 fra-2 ams-2]
	// [fra-1 ams-2 fra-2]
}

func Example_reads() {
	ring, err := threeNodes()
	if err != nil {
		log.Fatal(err)
	}

	now := ring.Snapshot() // does not change, whatever happens to ring
	ring.Remove("fra-1")
	fmt.Println(now.Len(), ring.Len())
	// Output: 3 2
}

func Example_bounded() {
	ring, err := threeNodes()
	if err != nil {
		log.Fatal(err)
	}

	bounded, err := hashring.NewBounded(ring, 1.25)
	if err != nil {
		log.Fatal(err)
	}
	for range 100 { // a hundred requests for one hot key
		lease, ok := bounded.Acquire("user:42")
		if !ok {
			log.Fatal("the ring is empty")
		}
		_ = lease // call lease.Release() when the request is done
	}
	for id := range ring.Weights() {
		fmt.Println(id, bounded.Load(id), "of at most", bounded.Capacity(id))
	}
	// Output:
	// ams-1 31 of at most 32
	// ams-2 6 of at most 32
	// fra-1 63 of at most 64
}

func Example_save() {
	ring, err := threeNodes()
	if err != nil {
		log.Fatal(err)
	}

	data, err := ring.MarshalBinary() // or MarshalJSON
	if err != nil {
		log.Fatal(err)
	}
	again, err := hashring.Decode(data, hashring.Limits{Nodes: 1000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Equal(ring), again.Fingerprint() == ring.Fingerprint())
	// Output: true true
}

func Example_errors() {
	ring, err := threeNodes()
	if err != nil {
		log.Fatal(err)
	}

	err = ring.Add(hashring.Node{ID: "ams-1"})
	fmt.Println(errors.Is(err, hashring.ErrDuplicate)) // and the ring is as it was
	// Output: true
}

// threeNodes returns the ring of the first example.
func threeNodes() (*hashring.Ring, error) {
	return hashring.New(hashring.Options{},
		hashring.Node{ID: "ams-1"}, hashring.Node{ID: "ams-2"}, hashring.Node{ID: "fra-1", Weight: 2})
}
