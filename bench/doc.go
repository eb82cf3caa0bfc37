// Package bench holds benchmarks of this project beside its rivals. Run them
// with
//
//	go -C bench run ./cmd/compare -only ring
//
// which measures goals, or with go -C bench test -bench . ./... for single ones.
// What goes from one process to another is measured against a second process of
// the same program. With -tags apart, systems take part that cannot be linked
// with the others; see package system.
//
// The module is apart from the others and from the workspace, so that the rivals
// raise nobody's versions.
package bench
