// Package membership is reserved for a set of processes that agree, without a
// coordinator, on one weighted hash ring and on who is alive. It holds nothing
// yet, and the module has no release.
//
// The module exists ahead of its code because a package that moves into a
// module of its own after a release leaves its users with ambiguous imports.
// See docs/decisions/0001-eight-modules.md.
package membership
