package report

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// A Machine is where and with what a comparison ran.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	System string `json:"system"`
	Go     string `json:"go"`
	Commit string `json:"commit"`
	// LoadBefore and LoadAfter are the load averages of the last minute.
	LoadBefore string            `json:"load_before"`
	LoadAfter  string            `json:"load_after"`
	Modules    map[string]string `json:"modules"`
}

// ThisMachine describes the machine. It does not fail: what cannot be found out
// is "unknown".
func ThisMachine() Machine {
	return Machine{
		CPU:        cpu(),
		Cores:      runtime.NumCPU(),
		System:     runtime.GOOS + "/" + runtime.GOARCH,
		Go:         runtime.Version(),
		Commit:     commit(),
		LoadBefore: Load(),
		Modules:    modules(),
	}
}

func cpu() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Load returns the load average of the last minute.
func Load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}

// commit names the checked-out commit, with "+changes" if files differ from it.
func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	out := strings.TrimSpace(string(id))
	// docs/benchmarks.md is what this command writes.
	diff, err := exec.Command("git", "status", "--porcelain", "--", ":/", ":!/docs/benchmarks.md").Output()
	if err != nil || len(diff) > 0 {
		out += "+changes"
	}
	return out
}

// modules returns the versions of what is linked in.
func modules() map[string]string {
	out := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			out[m.Path] = m.Version
		}
	}
	return out
}
