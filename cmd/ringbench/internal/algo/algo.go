// Package algo is the registry of placements that ringbench measures. Each
// entry says when to use the algorithm and what it cannot do, and makes
// placements that all answer the same questions, so that they can be measured
// side by side.
//
// All algorithms come from package hashring. A [Placement] may be read by many
// goroutines at once, and changed by one while no other uses it.
package algo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/hashring"
)

// ErrCannot reports a change that an algorithm cannot make.
var ErrCannot = errors.New("this algorithm cannot do that")

// A Setting is what may be tuned about an algorithm. Zero means that the
// algorithm has no such setting.
type Setting struct {
	Points int `json:"points"` // points per unit of weight on the ring
	Probes int `json:"probes"` // points tried for a key
}

// A Removal says which nodes an algorithm can lose without moving other keys.
type Removal string

// The kinds of removal.
const (
	RemoveAny  Removal = "any"
	RemoveLast Removal = "last"
)

// An Algorithm is one way to place keys on nodes.
type Algorithm struct {
	Name   string
	Title  string
	Use    string // when to use it
	Limits string // what it cannot do

	Points   bool // takes Setting.Points
	Probes   bool // takes Setting.Probes
	Weights  bool
	Replicas bool    // has preference lists
	Zones    bool    // spreads replicas over zones
	Arcs     bool    // nodes own arcs whose length is known exactly
	Removal  Removal // which nodes it can lose
	Moves    bool    // the owner of a key depends on the nodes alone

	fixed Setting // settings the user cannot change
	make  func(nodes []hashring.Node, s Setting) (Placement, error)
}

// A Placement assigns keys to nodes.
type Placement interface {
	// Owner returns the id of the node of a key, "" if there is no node.
	Owner(key string) string
	// Lookup finds the owner of every key. It is what a timed loop calls; the
	// sum it returns keeps the compiler from leaving the work out.
	Lookup(keys []string) int
	// Nodes returns the nodes in the order in which they were added.
	Nodes() []hashring.Node
	// Clone returns a placement that changes apart from this one.
	Clone() (Placement, error)
	// Add adds a node.
	Add(n hashring.Node) error
	// Remove removes a node. Its error wraps ErrCannot if the algorithm can
	// only remove others.
	Remove(id string) error
	// Reweight changes the weight of a node.
	Reweight(id string, weight int) error
	// Bytes returns the memory that lookups need, in bytes.
	Bytes() int
}

// A Replicator is a placement with preference lists.
type Replicator interface {
	// AppendOwners appends n distinct nodes for a key, its owner first.
	AppendOwners(dst []string, key string, n int) []string
	// Top finds the first n nodes of every key, as Lookup does the first.
	Top(keys []string, n int) int
}

// A Zoner is a placement that spreads preference lists over zones.
type Zoner interface {
	AppendZoneOwners(dst []string, key string, n int) []string
}

// An Arcer is a placement that knows exactly what share of all possible keys
// each node owns.
type Arcer interface {
	Ownership() []hashring.Share
}

// New makes a placement of nodes.
func (a *Algorithm) New(nodes []hashring.Node, s Setting) (Placement, error) {
	p, err := a.make(nodes, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	return p, nil
}

// Settings returns every setting of a that the lists of points and probes ask
// for. An algorithm without a setting ignores its list.
func (a *Algorithm) Settings(points, probes []int) []Setting {
	if !a.Points {
		points = []int{a.fixed.Points}
	}
	if !a.Probes {
		probes = []int{a.fixed.Probes}
	}
	var all []Setting
	for _, pt := range points {
		for _, pr := range probes {
			all = append(all, Setting{Points: pt, Probes: pr})
		}
	}
	return all
}

// All returns every algorithm, in the order in which they are listed.
func All() []*Algorithm {
	return []*Algorithm{
		ring(), clusterluckRing(), jump(), rendezvous(), weightedRendezvous(),
		maglev(), multiProbe(), anchor(), bounded(),
	}
}

// Parse returns the algorithms of a list of names separated by commas, or all
// of them for "all". The error names the known ones.
func Parse(list string) ([]*Algorithm, error) {
	all := All()
	if list == "all" {
		return all, nil
	}
	var chosen []*Algorithm
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(a *Algorithm) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no algorithm %q; use all or some of %s", name, names(all))
		}
		if !slices.Contains(chosen, all[i]) {
			chosen = append(chosen, all[i])
		}
	}
	return chosen, nil
}

func names(all []*Algorithm) string {
	list := make([]string, len(all))
	for i, a := range all {
		list[i] = a.Name
	}
	return strings.Join(list, ",")
}
