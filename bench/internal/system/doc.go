// Package system holds ways for two processes to talk, each behind the same
// few calls, so that one harness can load them all.
//
// A [System] serves in one process and is dialed from another. What is sent is
// always a byte string; what is called answers with the bytes that it got, and
// what is cast goes to a [Sink], which counts. Each adapter uses its system as
// its documentation shows, with default settings: no Nagle, and one connection a
// pair unless the system knows only pools. A note on a System says where it had a
// choice.
//
// Ours always encrypts. So do the rivals, where they can: each is there twice,
// with TLS 1.3 and plain, and what is plain counts for no goal between processes.
// The certificate is made by the serving process and goes to the other in the
// address.
//
// The build tag apart puts Hollywood, Ergo and GoAkt in the place of Proto.Actor,
// with which Hollywood cannot be linked. They are plain and count for no goal.
package system
