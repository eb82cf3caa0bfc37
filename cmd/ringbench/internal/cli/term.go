package cli

import (
	"io"

	"golang.org/x/term"
)

// A terminal is a writer that says itself whether somebody watches it. Files
// are asked through their descriptor instead.
type terminal interface {
	IsTerminal() bool
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	switch w := w.(type) {
	case terminal:
		return w.IsTerminal()
	case interface{ Fd() uintptr }:
		return term.IsTerminal(int(w.Fd()))
	default:
		return false
	}
}

// Width returns the number of columns of the terminal w, or otherwise if w is
// no terminal or does not say.
func Width(w io.Writer, otherwise int) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return otherwise
}

// Color reports whether to write colour, or to redraw lines, on w. The mode is
// "always", "never" or "auto"; auto means a terminal, unless NO_COLOR is set or
// TERM is "dumb".
func Color(w io.Writer, mode string, getenv func(string) string) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	default:
		return getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && IsTerminal(w)
	}
}
