// Package fuzz holds property tests: laws that must hold for any input, each
// with the reason for it, checked on generated cases with a fixed seed.
//
// They live in a module of their own, never released, so that the library
// that generates and shrinks the cases (gopter) enters nobody's module graph.
// Native fuzz targets stand beside the code that they fuzz.
//
// A failure prints its seed. To repeat it, or to try another one:
//
//	go test ./fuzz -seed 12345
//
// See docs/testing.md.
package fuzz
