package hashring

import (
	"fmt"
	"unicode/utf8"
)

// Limits of a ring. They bound memory, and they are the same on every platform
// so that a ring that one process can hold, all can.
const (
	// DefaultPoints is the number of points of a node of weight 1 under [V1].
	DefaultPoints = 160
	// MaxNodes is the largest number of nodes of a ring.
	MaxNodes = 1<<slotBits - 1
	// MaxWeight is the largest weight of a node.
	MaxWeight = 1 << 16
	// MaxPoints is the largest number of points of a ring.
	MaxPoints = 1 << 28
	// MaxProbes is the largest number of probes of a lookup.
	MaxProbes = 16
	// MaxIDLen is the largest length of an id or a zone, in bytes.
	MaxIDLen = 1024
	// MaxMetaLen is the largest length of a node's metadata, in bytes.
	MaxMetaLen = 1 << 16
	// PositionBits is the width of a position on the circle.
	PositionBits = 64 - slotBits
)

// Options say how a ring places nodes and keys. The zero Options are the
// default. Rings answer alike only if their options are equal.
type Options struct {
	// Points is the number of points a node has for each unit of weight. More
	// points spread keys more evenly (the standard deviation of a node's load
	// is about 1/sqrt(points) of its mean) and cost about 15 bytes each. 0
	// means [DefaultPoints] under [V1] and 1 under [Clusterluck].
	Points int
	// Probes is the number of places at which a lookup looks; the point
	// nearest to its probe wins. Two probes give the balance of about three
	// times the points, and cost about three times the time. 0 means 1.
	// [Clusterluck] has one probe only.
	Probes int
	// Layout is the rule that places points and keys.
	Layout Layout

	// truncate is the number of low bits of every position that are cleared.
	// Tests set it so that points and keys often meet.
	truncate uint8
}

// String returns the options in words.
func (o Options) String() string {
	o = o.withDefaults()
	return fmt.Sprintf("layout %v, %d points a weight, probes %d", o.Layout, o.Points, o.Probes)
}

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.Points == 0 {
		o.Points = DefaultPoints
		if o.Layout == Clusterluck {
			o.Points = 1
		}
	}
	if o.Probes == 0 {
		o.Probes = 1
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Layout > Clusterluck:
		return fmt.Errorf("layout %d: want v1 or clusterluck: %w", o.Layout, ErrOptions)
	case o.Points < 1 || o.Points > MaxWeight:
		return fmt.Errorf("points %d: want 1 to %d: %w", o.Points, MaxWeight, ErrOptions)
	case o.Probes < 1 || o.Probes > MaxProbes:
		return fmt.Errorf("probes %d: want 1 to %d: %w", o.Probes, MaxProbes, ErrOptions)
	case o.Probes > 1 && o.Layout == Clusterluck:
		return fmt.Errorf("probes %d: layout clusterluck has one: %w", o.Probes, ErrOptions)
	}
	return nil
}

// A Node is a member of a ring.
type Node struct {
	// ID names the node: UTF-8, 1 to [MaxIDLen] bytes.
	ID string `json:"id"`
	// Weight is the node's share of the keys relative to the others', 1 to
	// [MaxWeight]. 0 means 1.
	Weight int `json:"weight"`
	// Zone is what the node may fail together with, such as a rack; see
	// [Snapshot.AppendZoneOwners]. UTF-8, at most [MaxIDLen] bytes.
	Zone string `json:"zone,omitempty"`
	// Meta is carried along and compared by [Ring.Equal], never read: an
	// address, for instance. At most [MaxMetaLen] bytes.
	Meta string `json:"meta,omitempty"`
}

func (n Node) withDefaults() Node {
	if n.Weight == 0 {
		n.Weight = 1
	}
	return n
}

func (n Node) validate() error {
	switch {
	case n.ID == "":
		return fmt.Errorf("empty node id: %w", ErrID)
	case len(n.ID) > MaxIDLen:
		return fmt.Errorf("node id of %d bytes (%.32q...): at most %d: %w", len(n.ID), n.ID, MaxIDLen, ErrID)
	case !utf8.ValidString(n.ID):
		return fmt.Errorf("node id %q: not UTF-8: %w", n.ID, ErrID)
	case n.Weight < 1 || n.Weight > MaxWeight:
		return fmt.Errorf("node %q: weight %d: want 1 to %d: %w", n.ID, n.Weight, MaxWeight, ErrWeight)
	case len(n.Zone) > MaxIDLen || !utf8.ValidString(n.Zone):
		return fmt.Errorf("node %q: zone of %d bytes: want UTF-8 of at most %d: %w", n.ID, len(n.Zone), MaxIDLen, ErrID)
	case len(n.Meta) > MaxMetaLen:
		return fmt.Errorf("node %q: metadata of %d bytes: at most %d: %w", n.ID, len(n.Meta), MaxMetaLen, ErrMeta)
	}
	return nil
}

// larger orders nodes of one id by (Weight, Zone, Meta).
func (n Node) larger(o Node) bool {
	if n.Weight != o.Weight {
		return n.Weight > o.Weight
	}
	if n.Zone != o.Zone {
		return n.Zone > o.Zone
	}
	return n.Meta > o.Meta
}
