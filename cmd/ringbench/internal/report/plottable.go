package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CheckPlot returns an error if no file has a metric that can be plotted.
func CheckPlot(metric string, files []Named) error {
	for _, f := range files {
		if c := newSheet(f.File).chart(metric, ""); c != nil && c.drawable() {
			return nil
		}
	}
	known := plottable(files)
	if len(known) == 0 {
		return errors.New("no result has a number to plot")
	}
	return fmt.Errorf("no result has a number of %q to plot; use %s", metric, strings.Join(known, ", "))
}

// DefaultPlot returns the metric to plot if none is asked for: the lookups of
// placements or the encoding of clocks, or else the first that there is.
func DefaultPlot(files []Named) string {
	known := plottable(files)
	for _, metric := range []string{"lookup", "clock-encode"} {
		if len(known) == 0 || slices.Contains(known, metric) {
			return metric
		}
	}
	return known[0]
}

// plottable returns the metrics that can be plotted, in the order of the files.
func plottable(files []Named) []string {
	var known []string
	for _, f := range files {
		s := newSheet(f.File)
		for _, metric := range s.metrics {
			if !slices.Contains(known, metric) && s.chart(metric, "").drawable() {
				known = append(known, metric)
			}
		}
	}
	return known
}
