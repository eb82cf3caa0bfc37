// Package transport carries messages between processes that know each other by
// name.
//
// A [Kernel] is one node. It listens on one address, holds at most one
// connection to each other node, and hands what arrives to services by name: a
// call waits for an answer, a cast does not. Package genserver builds servers
// with typed handlers on it; most programs use that and, of this package, Start,
// Config and the errors.
//
// Every connection is authenticated and encrypted from one shared cookie before
// anything else is read from it; see docs/security.md. What travels is described
// in docs/wire-format.md.
//
// What a node promises:
//
//   - A request reaches a handler at most once. Nothing is sent twice; what may
//     be repeated is the caller's to decide, see [NotDelivered].
//   - Every call ends exactly once: with an answer, with the error of the
//     server, when its deadline passes, or at once when the connection breaks.
//   - Requests from one goroutine to one server arrive in the order in which
//     they were sent, urgent ones among themselves.
//   - Nothing is lost in silence. While a node is away casts wait for it, within
//     bounds; what is dropped, and what may have been lost with a connection, is
//     counted and told to OnEvent, by server.
//   - Nothing grows without bound: queues, windows, streams, bodies and names
//     have limits, and a sender waits or is told.
//
// Any number of goroutines may use a Kernel. It takes the time from package
// time and the network from Config, so that it runs in a testing/synctest bubble
// over package transporttest.
package transport
