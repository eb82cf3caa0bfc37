// Package genserver runs named servers that answer each other, in one process or
// over a network, with the same call.
//
// A [Server] owns a state. The function given to [Start] builds it and registers
// handlers by event with [Handle]; they run one at a time, so that the state
// needs no lock. [Call] sends a request to a server and waits for the reply,
// [Cast] sends without waiting. A server is meant by its name on this node, by
// "name@node" on any other. Requests and replies are Go values: between nodes
// they are CBOR, on one node they are passed as they are. A call that cannot be
// answered fails at once, with an error that errors.Is knows, wherever it arose.
//
// What it promises:
//
//   - A request reaches its handler at most once, and a call ends exactly once:
//     with a reply, or with an error, at the latest at its deadline.
//   - Messages from one goroutine to one server arrive in order, the urgent ones
//     in an order of their own.
//   - Nothing is lost unsaid. A [Mailbox] is bounded by messages and bytes; what
//     does not fit waits, is refused, or is dropped, as its [Policy] says, and is
//     counted and reported. Nothing is lost to a pause or a restart.
//   - A panic in a handler fails its call and ends the server, or lets its
//     supervisor ([Supervise]) restart it. It never ends the process.
//   - A call to a server that waits for the caller fails at once, also over other
//     nodes, if handlers pass on the context that they are given. That is so for
//     one chain of calls. Two servers that call each other at the same time, for
//     two different callers, wait until a deadline: do not let calls cross.
//   - No name of an event or of a server has a meaning of its own.
//
// A handler answers later by returning [Later] and keeping the [From], or by
// [Async]. Bodies of any length go as streams ([HandleReader], [HandleStream],
// [CallReader], [OpenStream]). [MultiCall] and [Abcast] reach several servers,
// [Monitor] tells when one ends, and [Server.SendAfter] and [Server.Every] are
// timers that end with their server.
//
// All functions, and the methods of Server, may be called from any goroutine. A
// handler must pass its context to what it calls: it carries the deadline, the
// servers that wait, and the trace ([WithTrace]). A local call costs two switches
// of goroutines and, once in 64 calls, an allocation of 4 KiB; a local cast costs
// a lock.
//
// The package imports packages transport and transport/wire, and otherwise the
// standard library alone. What it puts into messages is in docs/wire-format.md.
package genserver
