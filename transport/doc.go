// Package transport is reserved for messaging between named processes:
// authenticated connections, frames and the servers that answer calls. It
// holds nothing yet, and the module has no release.
//
// The module exists ahead of its code because a package that moves into a
// module of its own after a release leaves its users with ambiguous imports.
// See docs/decisions/0001-eight-modules.md.
package transport
