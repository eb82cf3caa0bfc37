package hashring_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/clusterluck/clusterluck/hashring"
)

// A ring in three lines.
func Example() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "ams-1"}, hashring.Node{ID: "fra-1"}, hashring.Node{ID: "nyc-1"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ring.Owner("user:42"))
	// Output: ams-1 true
}

// The changes of one Update happen at once, or not at all.
func ExampleRing_Update() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "old"}, hashring.Node{ID: "small"})
	if err != nil {
		log.Fatal(err)
	}

	err = ring.Update(func(tx *hashring.Tx) error {
		tx.Remove("old")
		if err := tx.Reweight("small", 4); err != nil {
			return err
		}
		return tx.Add(hashring.Node{ID: "small"})
	})
	fmt.Println(err, errors.Is(err, hashring.ErrDuplicate))
	fmt.Println(ring.Has("old"))
	// Output:
	// hashring: node "small" is in the ring already: duplicate id true
	// true
}

// The nodes that hold the copies of a key, its owner first. When the owner
// leaves, the next of them takes over.
func ExampleRing_AppendOwners() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "ams-1"}, hashring.Node{ID: "fra-1"}, hashring.Node{ID: "nyc-1"})
	if err != nil {
		log.Fatal(err)
	}

	owners := ring.AppendOwners(nil, "user:42", 2)
	fmt.Println(owners)
	ring.Remove(owners[0])
	fmt.Println(ring.Owner("user:42"))
	// Output:
	// [ams-1 fra-1]
	// fra-1 true
}

// Copies in different zones survive the loss of one zone.
func ExampleRing_AppendZoneOwners() {
	ring, err := hashring.New(hashring.Options{},
		hashring.Node{ID: "ams-1", Zone: "ams"}, hashring.Node{ID: "ams-2", Zone: "ams"},
		hashring.Node{ID: "ams-3", Zone: "ams"}, hashring.Node{ID: "fra-1", Zone: "fra"})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Println(ring.AppendOwners(nil, "user:4", 2))
	fmt.Println(ring.AppendZoneOwners(nil, "user:4", 2))
	fmt.Println(len(ring.AppendZoneOwners(nil, "user:4", 3)), "copies in 2 zones")
	// Output:
	// [ams-1 ams-3]
	// [ams-1 fra-1]
	// 3 copies in 2 zones
}

// What a change will move, before it is made.
func ExampleDiff() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "a"}, hashring.Node{ID: "b"}, hashring.Node{ID: "c"})
	if err != nil {
		log.Fatal(err)
	}
	planned := ring.Clone()
	if err := planned.Add(hashring.Node{ID: "d"}); err != nil {
		log.Fatal(err)
	}

	delta, err := hashring.Diff(ring.Snapshot(), planned.Snapshot())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("moves %.1f %% of the keys, exact: %v\n", 100*delta.Moved, delta.Exact)
	for _, flow := range delta.Flows {
		fmt.Printf("%s -> %s %.1f %%\n", flow.From, flow.To, 100*flow.Fraction)
	}
	// Output:
	// moves 23.3 % of the keys, exact: true
	// a -> d 8.1 %
	// c -> d 7.8 %
	// b -> d 7.3 %
}

// The share of all keys that each node owns, without counting keys.
func ExampleRing_Ownership() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "large", Weight: 3}, hashring.Node{ID: "small", Weight: 1})
	if err != nil {
		log.Fatal(err)
	}

	for _, share := range ring.Ownership() {
		fmt.Printf("%s %.1f %%\n", share.ID, 100*share.Fraction)
	}
	// Output:
	// large 75.5 %
	// small 24.5 %
}

// A popular key stays at its owner until that has its share of the load.
func ExampleNewBounded() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "a"}, hashring.Node{ID: "b"}, hashring.Node{ID: "c"})
	if err != nil {
		log.Fatal(err)
	}
	bounded, err := hashring.NewBounded(ring, 1.25)
	if err != nil {
		log.Fatal(err)
	}

	var nodes []string
	var leases []hashring.Lease
	for range 6 {
		lease, ok := bounded.Acquire("popular")
		if !ok {
			log.Fatal("the ring is empty")
		}
		nodes, leases = append(nodes, lease.Node), append(leases, lease)
	}
	fmt.Println(nodes)
	for _, lease := range leases {
		lease.Release()
	}
	fmt.Println(bounded.Total())
	// Output:
	// [b c b c b c]
	// 0
}

// An encoding holds the options and the nodes, with a fingerprint that the
// decoder checks: what comes back answers as what was sent.
func ExampleDecode() {
	sent, err := hashring.New(hashring.Options{Probes: 2}, hashring.Node{ID: "a", Weight: 2}, hashring.Node{ID: "b", Meta: "10.0.0.2:7022"})
	if err != nil {
		log.Fatal(err)
	}
	data, err := sent.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}

	got, err := hashring.Decode(data, hashring.Limits{Nodes: 1000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(data), "bytes,", got.Points(), "points, equal:", got.Equal(sent))

	data[len(data)-1]++
	_, err = hashring.Decode(data, hashring.Limits{Nodes: 1000})
	fmt.Println(errors.Is(err, hashring.ErrFingerprint))
	// Output:
	// 49 bytes, 480 points, equal: true
	// true
}

// A ring is a field of a configuration like any other.
func ExampleRing_UnmarshalJSON() {
	ring, err := hashring.New(hashring.Options{}, hashring.Node{ID: "a"}, hashring.Node{ID: "b", Weight: 2, Zone: "rack-7"})
	if err != nil {
		log.Fatal(err)
	}
	data, err := json.MarshalIndent(ring, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", data)

	var read hashring.Ring
	if err := json.Unmarshal(data, &read); err != nil {
		log.Fatal(err)
	}
	fmt.Println(read.Equal(ring))
	// Output:
	// {
	//   "version": 1,
	//   "layout": "v1",
	//   "points": 160,
	//   "probes": 1,
	//   "fingerprint": "21e322288fbf725577fe1d143668fd77",
	//   "nodes": [
	//     {
	//       "id": "a",
	//       "weight": 1
	//     },
	//     {
	//       "id": "b",
	//       "weight": 2,
	//       "zone": "rack-7"
	//     }
	//   ]
	// }
	// true
}
