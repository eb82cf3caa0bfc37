// Package pages holds the Go blocks of README.md and docs/ as tested examples.
// A test in internal/tidy fails when a page shows code that is not here.
package pages
