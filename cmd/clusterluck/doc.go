// Package clusterluck is reserved for the clusterluck command: a node, a shell
// and an operator's tool. It holds nothing yet and cannot be run or installed:
// the package becomes main when there is a command to run.
//
// The module exists ahead of its code because a package that moves into a
// module of its own after a release leaves its users with ambiguous imports.
// See docs/decisions/0001-eight-modules.md.
package clusterluck
