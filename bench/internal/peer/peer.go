// Package peer puts this project's ring and every rival behind one interface,
// so that all run the same work in one process.
//
// Rules of the adapters:
//   - The timed loops Owners and Tops are written out in each adapter and call
//     the rival's concrete type, as its user would: no interface call is timed.
//   - A rival that takes a hash function gets xxh3, the fastest at hand and the
//     one that this project's ring uses. A rival with its own hash keeps it.
//   - Keys are given as strings, as everywhere in Go. A rival that wants bytes
//     gets a conversion, which the compiler makes free where it can.
//   - A loop adds up what the lookups return, so that none is dead code.
//   - A rival is built through its bulk call where it has one.
package peer

import (
	"fmt"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/measure"
)

// A Kind says whether a contender counts as a rival of the ring.
type Kind uint8

const (
	// Ours is this project's ring.
	Ours Kind = iota
	// Ring is a rival that places each node on a circle at as many points as
	// asked: the kind that goals compare with.
	Ring
	// Other is another answer to the same question, such as a rendezvous
	// hash, or a ring whose number of points is fixed. It is shown and not
	// counted.
	Other
)

// String returns the kind as tables show it.
func (k Kind) String() string {
	return [...]string{"ours", "ring", "other"}[k]
}

// A Peer is a contender and how to build it.
type Peer struct {
	Name   string // as tables show it
	Module string // module path, from which the report takes the version
	Kind   Kind
	// Array is set for a ring that keeps its points in one sorted array.
	Array bool
	// Bulk is set for a peer that takes all nodes in one call and lays them
	// out once; the others are built node by node.
	Bulk bool
	// NodesMax is the largest number of nodes the peer is built with. 0 means
	// no limit.
	NodesMax int
	// Note says what a reader of the table must know about the peer.
	Note string
	// New builds the peer with a number of points for each node. A peer that
	// is built node by node asks the clock between nodes and gives up with a
	// [SlowError].
	New func(nodes []string, points int, c Clock) (Placement, error)
}

// A Placement maps keys to nodes.
type Placement interface {
	// Owner returns the node of a key.
	Owner(key string) string
	// Owners looks up every key and returns the sum of the lengths of the
	// answers. It may run in several goroutines at once.
	Owners(keys []string) int
}

// A Replicated placement also answers with several nodes.
type Replicated interface {
	// Top returns n distinct nodes for a key.
	Top(key string, n int) []string
	// Tops asks for n nodes for every key and returns the number of answers.
	Tops(keys []string, n int) int
}

// An Adder takes one more node.
type Adder interface{ Add(id string) error }

// A Remover loses a node.
type Remover interface{ Remove(id string) error }

// A Bounder is a ring with bounded loads.
type Bounder interface {
	// Rounds takes a node for every key and gives back the node that was taken
	// len(window) keys before, so that as many are held all the time. The
	// window starts empty and is filled before.
	Rounds(keys []string)
}

// A SlowError reports a peer that was not built in time.
type SlowError struct {
	Done, All int // nodes added, nodes to add
	Took      time.Duration
}

func (e *SlowError) Error() string {
	return fmt.Sprintf("stopped after %.1f s of CPU time with %d of %d nodes added", e.Took.Seconds(), e.Done, e.All)
}

// A Clock bounds the CPU time a build may take: a busy machine must not decide
// which rivals take part. The zero Clock never ends.
type Clock struct{ start, limit time.Duration }

// Within returns a clock that starts now and ends after d.
func Within(d time.Duration) Clock { return Clock{measure.Process.Now(), d} }

// each adds the nodes one by one until the clock ends.
func (c Clock) each(nodes []string, add func(id string) error) error {
	for i, id := range nodes {
		if took := measure.Process.Now() - c.start; c.limit > 0 && took > c.limit {
			return &SlowError{i, len(nodes), took}
		}
		if err := add(id); err != nil {
			return err
		}
	}
	return nil
}

// All returns the contenders, ours first.
func All() []Peer {
	return []Peer{
		clusterluckPeer(),
		groupcachePeer(), galaxycachePeer(), serialxPeer(), ringpopPeer(),
		authzedPeer(), stathatPeer(), goZeroPeer(),
		textbookPeer(), lafiklPeer(), buraksezerPeer(),
		mpchashPeer(), maglevPeer(), kkdaiPeer(),
		jumpPeer(), doublejumpPeer(), rendezvousPeer(), hrwPeer(),
	}
}

// Rings returns this project's ring and the rings that goals compare with.
func Rings() []Peer {
	var out []Peer
	for _, p := range All() {
		if p.Kind != Other {
			out = append(out, p)
		}
	}
	return out
}
