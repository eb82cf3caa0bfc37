// Package report writes results of ringbench run for people and for programs:
// as a table with bars and closing lines in words, as Markdown, CSV, JSON, the
// benchmark format of Go that benchstat reads, SVG and PNG plots, and one HTML
// page with everything in it.
//
// Functions write to an [io.Writer] and return its first error.
package report
