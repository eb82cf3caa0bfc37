// Package system holds ways for two processes to talk, each behind the same
// few calls, so that one harness can load them all.
//
// A [System] serves in one process and is dialed from another. What is sent is
// always a byte string; what is called answers with the bytes that it got, and
// what is cast goes to a [Sink], which counts. Each adapter uses its system as
// its documentation shows, with default settings: no Nagle, one connection a
// pair unless the system knows only pools, and no encryption but ours. A note on
// a System says where it had a choice.
//
// The build tag apart puts Hollywood, Ergo and GoAkt in the place of Proto.Actor,
// with which Hollywood cannot be linked. They count for no goal.
package system
