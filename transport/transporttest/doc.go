// Package transporttest runs many nodes in one process over a network in
// memory that fails on command.
//
// A [Network] hands out a [Host] for each node's name. A Host dials and
// listens as a machine does, at addresses such as "a:7000", and so can be the
// network of a node that expects the real one. What connects two hosts behaves
// as TCP does: a stream of bytes each way, a bounded buffer whose writer
// waits, half close, resets, a backlog, deadlines.
//
// Faults are set for a directed pair of hosts, or for all, and while
// connections are open: [Faults] says what a link does to the segments it
// carries (delay, rate, loss, reordering, duplication, corruption, cuts),
// and the methods of Network cut links, reset connections, refuse dials, and
// kill and freeze hosts. Unlike TCP a link repairs nothing: a lost segment is
// a hole in the stream that its reader gets, so that what stands above must
// notice. [Network.Stats] counts what happened, so that a test can show that
// its faults did.
//
// [Conformance] is the suite that package transport must pass over every
// network, and [Seeds] runs random programs over networks with random faults.
//
// # Time and seeds
//
// The package is made for the bubbles of testing/synctest: it waits on
// condition variables and timers alone, and a closed Network leaves neither
// goroutines nor timers. Make the Network inside the bubble.
//
// In a bubble the clock stands still while goroutines run, and what falls in
// one instant happens in any order. So each end of each connection has a lane,
// instants that no other end uses, and all that the network does to this end
// happens there, within a lane's turn of when it is due (1 microsecond up to
// 15 hosts, 100 with 158). With the same seed, the same hosts made in the same
// order before they connect, and the same writes at the same instants, a run
// repeats the same deliveries at the same instants, which [Network.Trace]
// shows.
//
// The turns divide a millisecond. So a timer of whole milliseconds that was set
// in one lane fires in the same lane again, where it may meet what happens to
// its own end and to no other. Lanes are shared by every third connection that
// one host has to another at once, and by hosts after the 158th.
//
// Outside a bubble there are no lanes, and what has no delay happens at once.
//
// All methods may be called by any number of goroutines.
package transporttest
