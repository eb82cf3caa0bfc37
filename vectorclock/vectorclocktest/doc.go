// Package vectorclocktest holds the laws of vector clocks as checks that any
// implementation can be put to: that of package vectorclock, a wrapper of it, or
// another.
//
// [Check] is for a test: it runs random programs and reports each law that
// breaks. [Broken] runs one program, for a fuzzer or a property-testing library
// that makes, and shrinks, programs of its own.
package vectorclocktest
