package transport

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

// Memory that was given back must count: it was needed.
func TestGrowthIsThatOfThePeak(t *testing.T) {
	g := watchGrowth(os.Getpid())
	block := make([]byte, 48<<20)
	for i := 0; i < len(block); i += 1 << 10 {
		block[i] = 1
	}
	runtime.KeepAlive(block)
	if got := g.most(); runtime.GOOS == "linux" && !(got > 40) {
		t.Errorf("grew by %v MiB, want 48 or more", got)
	}
	if again := watchGrowth(os.Getpid()).most(); runtime.GOOS == "linux" && !(again < 8) {
		t.Errorf("grew by %v MiB since it was watched anew, want next to nothing", again)
	}
}

// ours returns results of our rig alone, a round each.
func ours(rounds ...[]float64) []*result {
	return []*result{{rig: &rig{name: "genserver", kind: system.Ours}, samples: rounds}}
}

// statuses returns the status of each row that has a goal, by the end of its name.
func statuses(rows []report.Row) map[string]report.Status {
	out := make(map[string]report.Status)
	for _, r := range rows {
		if r.Goal != "" {
			out[r.Work[strings.LastIndex(r.Work, ", ")+2:]] = r.Status
		}
	}
	return out
}

// A flood that is too small proves nothing, and memory that cannot be read is not
// little memory. An answer is wrong in any case.
func TestFloodsAreJudgedIfTheyWereFloods(t *testing.T) {
	const met, missed, skipped = report.Met, report.Missed, report.Skipped
	unknown := peakMemory(-1)
	tests := []struct {
		name                  string
		rate                  float64
		wrong                 int // answered, or left open
		memory                float64
		p99, never, memoryRow report.Status
	}{
		{"a whole flood", 1000, 0, 3, met, met, met},
		{"most of it", 0.95 * knocks, 0, 3, met, met, met},
		{"too little of it", 0.4 * knocks, 0, 3, skipped, skipped, skipped},
		{"an answer to too little", 0.4 * knocks, 1, 3, skipped, missed, skipped},
		{"an answer", 1000, 1, 3, met, missed, met},
		{"much memory", 1000, 0, 65, met, met, missed},
		{"unknown memory", 1000, 0, unknown, met, met, skipped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{env: env(2)}
			results := ours([]float64{1, 15, 1, 10, 12, 1, 12}, []float64{1, 16, 1, 10, 12, tt.memory, 12})
			var sum floods
			sum.add(flood.Count{Tried: 1000}, 1000)
			sum.add(flood.Count{Tried: 1000, Answered: tt.wrong}, tt.rate)
			got := statuses(b.floodRows("flood", results, sum))
			if got["p99"] != tt.p99 || got["answered"] != tt.never || got["memory"] != tt.memoryRow || len(got) != 3 {
				t.Errorf("flood: %v, want p99 %s, answered %s, memory %s", got, tt.p99, tt.never, tt.memoryRow)
			}
			sum = floods{}
			sum.add(flood.Count{Tried: sockets}, sockets)
			sum.add(flood.Count{Tried: sockets, Open: tt.wrong}, tt.rate*sockets/knocks)
			got = statuses(b.idleRows("idle", results, sum))
			if got["p99"] != tt.p99 || got["open after 6 s"] != tt.never || got["memory"] != tt.memoryRow || len(got) != 3 {
				t.Errorf("idle sockets: %v, want p99 %s, open %s, memory %s", got, tt.p99, tt.never, tt.memoryRow)
			}
		})
	}
}

// What a quick run does not wait for must not pass for met.
func TestQuickRunDoesNotJudgeWhatIsLeftOpen(t *testing.T) {
	b := &bench{env: env(1)}
	b.env.Quick = true
	var sum floods
	sum.add(flood.Count{Tried: sockets, Held: 10}, sockets)
	got := statuses(b.idleRows("idle", ours([]float64{1, 15, 1, 10, 12, 1, 12}), sum))
	if got["open after 6 s"] != report.Skipped || got["p99"] != report.Met {
		t.Errorf("%v, want p99 met and the rest of the sockets not measured", got)
	}
}
