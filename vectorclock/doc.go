// Package vectorclock says who saw what: which of two states is newer, and when
// neither is.
//
// A [Clock] counts, for each actor, the events of it that were seen. Of two
// clocks one is before the other, after it, equal to it, or concurrent with it
// (Fidge 1988, Mattern 1989); merging two gives the least clock that has seen
// what both have. [Siblings] keeps the values that such clocks cannot put in
// order, and [Clock.Trim] bounds a clock without letting an old one win
// silently: see [Clock.CompareTrimmed].
//
// Nothing in the package reads the time: each write takes it as an argument, in
// Unix microseconds, and a [Ticker] is where an injected clock lives. The order
// of clocks never depends on times; what Trim takes out does.
//
// A Clock may be read by any number of goroutines at once. Cloning one costs
// nothing until one of the two is written.
//
// The package imports only the standard library.
package vectorclock
