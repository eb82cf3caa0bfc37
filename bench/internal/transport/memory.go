package transport

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// growth is what a process grows by. The peak counts, not what is left
// afterwards: memory that a flood took must have been there.
type growth struct {
	pid    int
	before float64 // MiB; NaN where the system does not tell
}

// watchGrowth begins to watch a process.
func watchGrowth(pid int) growth {
	const ofPeak = "5" // has the kernel set the peak to what is resident
	err := os.WriteFile(processFile(pid, "clear_refs"), []byte(ofPeak), 0)
	if err != nil {
		return growth{pid, math.NaN()}
	}
	return growth{pid, peakMemory(pid)}
}

// most returns how much more memory the process had than at first, at its peak,
// in MiB; NaN where the system does not tell.
func (g growth) most() float64 { return peakMemory(g.pid) - g.before }

// peakMemory returns the most memory that a process had in MiB, NaN where the
// system does not tell.
func peakMemory(pid int) float64 {
	data, err := os.ReadFile(processFile(pid, "status"))
	if err != nil {
		return math.NaN()
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return math.NaN()
}

func processFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// grewAtMost judges what our serving process grew by in the round in which it
// grew most, in MiB.
func (t *table) grewAtMost(limit float64) {
	high := t.ours.High()
	t.row.Below(limit, high)
	addNote(&t.row, "the most that the serving process grew by in a round, at its peak")
	if math.IsNaN(high) {
		unjudged(&t.row, "the system does not tell the peak of a process")
	}
}
