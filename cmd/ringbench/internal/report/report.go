package report

import (
	"bufio"
	"fmt"
	"io"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// A Named is a result and the name of the file it is from, "" for none.
type Named struct {
	Name string
	File *result.File
}

// A Style says how a table may look.
type Style struct {
	Width int // columns; 0 means 100
	Color bool
}

// Formats returns the formats that [Write] knows.
func Formats() []string { return []string{"table", "json", "csv", "md", "bench"} }

// Write writes files in a format. JSON holds one file; several are an array.
func Write(w io.Writer, format string, files []Named, style Style) error {
	b := bufio.NewWriter(w)
	var err error
	switch format {
	case "table":
		for _, f := range files {
			if err = table(b, f, style); err != nil {
				return err
			}
		}
	case "json":
		err = writeJSON(b, files)
	case "csv":
		err = writeCSV(b, files)
	case "md":
		err = writeMarkdown(b, files)
	case "bench":
		err = writeBench(b, files)
	case "html":
		err = writeHTML(b, files)
	default:
		err = fmt.Errorf("no report format %q", format)
	}
	if err != nil {
		return err
	}
	return b.Flush()
}
