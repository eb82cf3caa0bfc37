// Package topology reads which nodes a ring has: from JSON, from text, and from
// what the commands `clusterluck inspect`, `clusterluck nodes` and `clusterluck
// weights` print.
//
// [Read] tells the forms apart by themselves. A [Topology] says which options
// the input stated and what had to be assumed; [Topology.Ring] builds the ring.
// [ParseWeights] reads a rule that gives nodes weights.
//
// Every error in an input is an [Error] that names the file and the line. The
// package keeps no state.
package topology
