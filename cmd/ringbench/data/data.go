// Package data holds the real input that ships with ringbench, so that it runs
// on real keys from anywhere: a word list and an access log. README.md beside
// it says where both come from and under which licence.
//
// The package keeps no state; every call returns a new reader.
package data

import (
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
)

//go:embed words.txt.gz
var words string

//go:embed access.log.gz
var access string

// Words returns the word list: one English word a line, sorted.
func Words() (io.Reader, error) { return gzip.NewReader(strings.NewReader(words)) }

// Access returns the access log, in the combined format.
func Access() (io.Reader, error) { return gzip.NewReader(strings.NewReader(access)) }
