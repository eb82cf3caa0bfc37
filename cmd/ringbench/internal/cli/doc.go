// Package cli holds what every command of ringbench shares: exit codes, errors
// that carry one, files that are replaced whole or not at all, and progress on
// a terminal.
//
// Nothing in it keeps state between calls. A [Progress] may be advanced by any
// number of goroutines; everything else is a plain function.
package cli
