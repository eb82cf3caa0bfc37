package hashring_test

import (
	"fmt"

	"github.com/clusterluck/clusterluck/hashring"
	"github.com/zeebo/xxh3"
)

// All placements answer the same question, so that a program can be written for
// any of them.
func ExamplePlacement() {
	nodes := []hashring.Node{{ID: "ams-1"}, {ID: "ams-2"}, {ID: "fra-1", Weight: 2}}
	rendezvous, err := hashring.NewRendezvous(nodes)
	if err != nil {
		panic(err)
	}
	maglev, err := hashring.NewMaglev(nodes, 0)
	if err != nil {
		panic(err)
	}

	hash := xxh3.HashString("user:42")
	for _, p := range []hashring.Placement{rendezvous, maglev} {
		fmt.Printf("%T: %s\n", p, nodes[p.Locate(hash)].ID)
	}
	// Output:
	// *hashring.Rendezvous: ams-2
	// *hashring.Maglev: ams-2
}

// Any node of an Anchor may leave and return; the keys of the others stay.
func ExampleAnchor() {
	anchor, err := hashring.NewAnchor(100, 4)
	if err != nil {
		panic(err)
	}
	hash := xxh3.HashString("user:42")
	owner := anchor.Locate(hash)
	fmt.Println(owner)

	if err := anchor.Remove(owner); err != nil {
		panic(err)
	}
	fmt.Println(anchor.Locate(hash))

	back, err := anchor.Add() // the last that left is the first to return
	if err != nil {
		panic(err)
	}
	fmt.Println(back, anchor.Locate(hash))
	// Output:
	// 1
	// 2
	// 1 1
}

// Shards that are never lost may be numbered; growing from 8 to 9 moves a ninth
// of the keys, all of them to shard 8.
func ExampleJump() {
	small, err := hashring.NewJump(8)
	if err != nil {
		panic(err)
	}
	large, err := hashring.NewJump(9)
	if err != nil {
		panic(err)
	}

	moved := 0
	for i := range 9000 {
		hash := xxh3.HashString(fmt.Sprintf("user:%d", i))
		if small.Locate(hash) != large.Locate(hash) {
			moved++
		}
	}
	fmt.Println(moved, "of 9000 keys moved")
	// Output:
	// 992 of 9000 keys moved
}
