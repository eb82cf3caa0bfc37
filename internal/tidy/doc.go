// Package tidy holds the tests that keep the repository in order. It exports
// nothing and nothing imports it.
//
// The tables in rules_test.go say which modules exist, which package may
// import which, and which words must not be committed. The other files check
// the tree against them:
//
//   - modules: every go.mod is known, its go line, requirements and replaces
//     are as the table says, and go.work lists it or must not;
//   - imports: the arrows of docs/ARCHITECTURE.md, the packages that must not
//     touch the network, the clock or a lock, and what the Go command links;
//   - sources: sizes, doc comments, no init, no skipped or sleeping test,
//     ASCII;
//   - documents: links, anchors, commands, code blocks and paths resolve.
//
// A check is a function from a file tree to findings. Each is run over the
// real tree and over small trees with a planted fault, so that each is known
// to be able to fail. The planted trees are written in the tests: a testdata
// folder with a go.mod in it would be left out of the module's zip file.
//
// The tests also pass where the root module is alone, as in a module cache:
// what needs the whole repository is checked where go.work is present.
package tidy
