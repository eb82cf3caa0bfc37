package replay_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/replay"
	"github.com/clusterluck/clusterluck/hashring"
)

func load(t *testing.T, spec, format, timeField, text string) *keys.Set {
	t.Helper()
	f, err := keys.ParseFormat(format, timeField)
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Parse(spec, f)
	if err != nil {
		t.Fatal(err)
	}
	set, err := s.Load(t.Context(), keys.Config{Seed: 1, Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func ring(t *testing.T, nodes ...hashring.Node) *hashring.Ring {
	t.Helper()
	r, err := hashring.New(hashring.Options{}, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func node(id string, weight int) hashring.Node { return hashring.Node{ID: id, Weight: weight} }

func churn(t *testing.T, lines string) []replay.Event {
	t.Helper()
	events, err := replay.ReadChurn("churn", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func mustRun(t *testing.T, r *hashring.Ring, set *keys.Set, c replay.Config) *replay.Result {
	t.Helper()
	result, err := replay.Run(t.Context(), r, set, c)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// The dumb twin: look every key up in a ring of the moment, and count.
func TestReplayCountsAsTheTwinDoes(t *testing.T) {
	set := load(t, "zipf:n=6000,s=0.9,distinct=500", "", "", "")
	start := []hashring.Node{node("a", 1), node("b", 2), node("c", 1)}
	events := churn(t, `{"at": 3500, "op": "weight", "id": "a", "weight": 4}
{"at": 1500, "op": "add", "id": "d", "weight": 3}
{"at": 1500, "op": "remove", "id": "c"}
{"at": 6000, "op": "remove", "id": "b"}`)
	got := mustRun(t, ring(t, start...), set, replay.Config{Keys: 1000, Events: events})

	twin := ring(t, start...)
	apply := map[int]func(){
		1500: func() { twin.Set(node("d", 3)); twin.Remove("c") },
		3500: func() { twin.SetWeight("a", 4) },
	}
	loads := make([]map[string]int, 6)
	fair := make([]map[string]float64, 6)
	for i := range set.Len() {
		if change := apply[i]; change != nil {
			change()
		}
		w := i / 1000
		if loads[w] == nil {
			loads[w], fair[w] = make(map[string]int), make(map[string]float64)
		}
		owner, _ := twin.Owner(set.At(i))
		loads[w][owner]++
		total := 0.0
		for _, weight := range twin.Weights() {
			total += float64(weight)
		}
		for id, weight := range twin.Weights() {
			fair[w][id] += float64(weight) / total
		}
	}
	if len(got.Windows) != 6 {
		t.Fatalf("%d windows, want 6", len(got.Windows))
	}
	for w, window := range got.Windows {
		if window.Keys != 1000 || window.Start != w*1000 {
			t.Errorf("window %d has %d keys from %d, want 1000 from %d", w, window.Keys, window.Start, w*1000)
		}
		peak := 0.0
		for slot, id := range got.Nodes {
			load, share := 0, 0.0
			if slot < len(window.Load) {
				load = window.Load[slot]
			}
			if slot < len(window.Fair) {
				share = window.Fair[slot]
			}
			if load != loads[w][id] || math.Abs(share-fair[w][id]) > 1e-6 {
				t.Errorf("window %d: %s has %d keys, fair %.3f; the twin says %d, %.3f", w, id, load, share, loads[w][id], fair[w][id])
			}
			if share > 0 {
				peak = max(peak, float64(load)/share)
			}
		}
		if math.Abs(window.Peak.Ratio-peak) > 1e-9 {
			t.Errorf("window %d: peak %v, want %v", w, window.Peak.Ratio, peak)
		}
	}
}

func TestReplayTellsWhatAnEventMoves(t *testing.T) {
	set := load(t, "zipf:n=4000,s=0.9,distinct=300", "", "", "")
	got := mustRun(t, ring(t, node("a", 1), node("b", 1)), set, replay.Config{Events: churn(t, `{"at":1000,"op":"add","id":"c"}`)})
	before, after := ring(t, node("a", 1), node("b", 1)), ring(t, node("a", 1), node("b", 1), node("c", 1))
	delta, err := hashring.Diff(before.Snapshot(), after.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	moved, later := 0, 0
	for i := range set.Distinct() {
		was, _ := before.Owner(set.Key(i))
		if now, _ := after.Owner(set.Key(i)); was != now {
			moved++
		}
	}
	for i := 1000; i < set.Len(); i++ {
		was, _ := before.Owner(set.At(i))
		if now, _ := after.Owner(set.At(i)); was != now {
			later++
		}
	}
	want := replay.Change{At: 1000, Op: "add", ID: "c", Weight: 1, MovedShare: delta.Moved, Exact: true, Moved: moved, MovedLater: later, Later: 3000}
	if len(got.Events) != 1 || got.Events[0] != want {
		t.Errorf("got events %+v, want %+v", got.Events, want)
	}
	sum := 0
	for _, n := range got.Totals {
		sum += n.Load
	}
	if sum != set.Len() {
		t.Errorf("the totals add up to %d keys of %d", sum, set.Len())
	}
}

// With a bound, no node may hold more than its capacity of the requests under
// way. A window as long as the requests last holds at most those of two such
// spans, so what is checked is the number at any moment, by a twin.
func TestBoundedReplayKeepsTheBound(t *testing.T) {
	set := load(t, "hotspot:n=20000,hot=1,share=0.6,distinct=500", "", "", "")
	nodes := []hashring.Node{node("a", 1), node("b", 1), node("c", 2)}
	c := replay.Config{Bound: 1.2, InFlight: 100, Keys: 100}
	got := mustRun(t, ring(t, nodes...), set, c)
	plain := mustRun(t, ring(t, nodes...), set, replay.Config{Keys: 100})
	if got.Diverted == 0 {
		t.Fatal("one key has 60 % of the requests, yet none was diverted")
	}
	diverted := 0
	for i, w := range got.Windows {
		diverted += w.Diverted
		if fmt.Sprint(w.Owners) != fmt.Sprint(plain.Windows[i].Load[:len(w.Owners)]) || *w.ByOwner != plain.Windows[i].Peak {
			t.Fatalf("window %d: load by owner %v (%+v), without a bound it is %v (%+v)", i, w.Owners, w.ByOwner, plain.Windows[i].Load, plain.Windows[i].Peak)
		}
		// At the end of a window exactly its own 100 requests are under way.
		for slot, load := range w.Load {
			weight := float64(nodes[slot].Weight)
			if limit := math.Ceil(1.2 * 100 * weight / 4); float64(load) > limit {
				t.Fatalf("window %d: %s has %d of 100 requests under way, its capacity is %v", i, got.Nodes[slot], load, limit)
			}
		}
	}
	if diverted != got.Diverted {
		t.Errorf("the windows diverted %d keys, the whole %d", diverted, got.Diverted)
	}
}

// A request whose node has left must not break the bookkeeping.
func TestBoundedReplaySurvivesChurn(t *testing.T) {
	set := load(t, "uuid:n=5000", "", "", "")
	got := mustRun(t, ring(t, node("a", 1), node("b", 1)), set, replay.Config{Bound: 1, InFlight: 1000, Events: churn(t, `{"at":1000,"op":"add","id":"c"}
{"at":2000,"op":"remove","id":"a"}
{"at":3000,"op":"add","id":"a"}`)})
	sum := 0
	for _, n := range got.Totals {
		sum += n.Load
	}
	if sum != 5000 {
		t.Errorf("the totals add up to %d keys of 5000", sum)
	}
}

const timed = `{"k":"a","t":"2025-01-01T00:00:30Z"}
{"k":"b","t":"2025-01-01T00:01:10Z"}
{"k":"c","t":"2025-01-01T00:00:50Z"}
{"k":"d","t":"2025-01-01T00:03:00Z"}
`

func TestTimeWindowsTakeEveryKeyByItsOwnTime(t *testing.T) {
	set := load(t, "-", "json:.k", ".t", timed)
	got := mustRun(t, ring(t, node("a", 1)), set, replay.Config{Span: time.Minute})
	var lines []string
	for _, w := range got.Windows {
		lines = append(lines, fmt.Sprintf("%s %d", w.Time.Format("15:04"), w.Keys))
	}
	if want := "00:00 2, 00:01 1, 00:02 0, 00:03 1"; strings.Join(lines, ", ") != want {
		t.Errorf("got windows %s, want %s", strings.Join(lines, ", "), want)
	}
}

func TestEventsComeAtTheirTime(t *testing.T) {
	for at, want := range map[string]int{`"2025-01-01T00:01:00Z"`: 1, `"40s"`: 1, `"0s"`: 0, `2`: 2, `"150s"`: 3, `4`: 4} {
		set := load(t, "-", "json:.k", ".t", timed)
		got := mustRun(t, ring(t, node("a", 1)), set, replay.Config{Events: churn(t, `{"at":`+at+`,"op":"add","id":"b"}`)})
		if len(got.Events) != 1 || got.Events[0].At != want {
			t.Errorf("at %s: got %+v, want it after %d keys", at, got.Events, want)
		}
	}
	for _, at := range []string{"5", `"3h"`} {
		set := load(t, "-", "json:.k", ".t", timed)
		got := mustRun(t, ring(t, node("a", 1)), set, replay.Config{Events: churn(t, `{"at":`+at+`,"op":"add","id":"b"}`)})
		if len(got.Events) != 0 || len(got.Late) != 1 || got.Late[0].Line != 1 {
			t.Errorf("at %s: events %+v, late %+v; want it late", at, got.Events, got.Late)
		}
	}
}

func TestChurnThatCannotBeRead(t *testing.T) {
	const good = `{"at":1,"op":"remove","id":"a"}` + "\n\n"
	tests := map[string]string{
		"":                                     `churn:1: no events; one a line`,
		good + `{`:                             "churn:3: not an event",
		good + `[]`:                            "churn:3: not an event",
		good + `{} {}`:                         "churn:3: more than one object",
		good + `{"at":1,"op":"remove"}`:        "churn:3: no id",
		good + `{"at":1,"op":"x","id":"a"}`:    `churn:3: op "x": want add, remove or weight`,
		good + `{"op":"add","id":"a"}`:         "churn:3: no at",
		good + `{"at":-1,"op":"add","id":"a"}`: "want a number of keys",
		good + `{"at":"noon","op":"add","id":"a"}`:                     `at "noon": want a number of keys`,
		good + `{"at":"-1m","op":"add","id":"a"}`:                      `at "-1m": want a number of keys`,
		good + `{"at":1,"op":"weight","id":"a"}`:                       "op weight needs a weight",
		good + `{"at":1,"op":"weight","id":"a","weight":1,"zone":"z"}`: "op weight takes no zone",
		good + `{"at":1,"op":"remove","id":"a","weight":2}`:            "op remove takes no weight",
		good + `{"at":1,"op":"add","id":"a","wieght":2}`:               `unknown field "wieght"`,
		good + `{"at":1,"op":"weight","id":"a","weight":0}`:            "churn:3: weight 0: want 1 to 65536",
		good + strings.Repeat("x", 1<<16+1):                            "churn:3: a line longer than",
	}
	for text, want := range tests {
		_, err := replay.ReadChurn("churn", strings.NewReader(text))
		var bad *replay.ChurnError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got error %v, want a ChurnError with %q", text, err, want)
		}
	}
}

// A mistake in the last line must be found before any work, with its line.
func TestChurnThatDoesNotFit(t *testing.T) {
	const good = `{"at":1,"op":"add","id":"b"}` + "\n"
	tests := []struct {
		lines, want string
		is          error
	}{
		{good + `{"at":8500,"op":"add","id":"b"}`, "churn:2: ", hashring.ErrDuplicate},
		{good + `{"at":8500,"op":"remove","id":"x"}`, `churn:2: remove "x"`, hashring.ErrUnknown},
		{good + `{"at":8500,"op":"weight","id":"x","weight":2}`, "churn:2: ", hashring.ErrUnknown},
		{good + `{"at":8500,"op":"remove","id":"a"}` + "\n" + `{"at":8500,"op":"remove","id":"b"}`, "churn:3: remove \"b\": it is the last node", nil},
		{good + `{"at":"1m","op":"remove","id":"a"}`, "churn:2: at is a time, but the trace has none", nil},
	}
	for _, tt := range tests {
		done := int64(0)
		_, err := replay.Run(t.Context(), ring(t, node("a", 1)), load(t, "seq:n=9000", "", "", ""), replay.Config{
			ChurnName: "churn", Events: churn(t, tt.lines), Progress: func(n int64) { done += n },
		})
		var bad *replay.ChurnError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) || (tt.is != nil && !errors.Is(err, tt.is)) {
			t.Errorf("%s\ngot error %v, want one with %q that wraps %v", tt.lines, err, tt.want, tt.is)
		}
		if done != 0 {
			t.Errorf("%s\nwas found after %d keys", tt.lines, done)
		}
	}
}

func TestWindowsThatDoNotFit(t *testing.T) {
	lines, json := load(t, "seq:n=20001", "", "", ""), load(t, "-", "json:.k", ".t", timed)
	tests := []struct {
		name string
		set  *keys.Set
		c    replay.Config
	}{
		{"too many by keys", lines, replay.Config{Keys: 2}},
		{"a time without times", lines, replay.Config{Span: time.Minute}},
		{"too many by time", json, replay.Config{Span: time.Millisecond}},
	}
	for _, tt := range tests {
		if _, err := replay.Run(t.Context(), ring(t, node("a", 1)), tt.set, tt.c); !errors.Is(err, replay.ErrWindow) {
			t.Errorf("%s: got error %v, want ErrWindow", tt.name, err)
		}
	}
}

func TestReplayStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	set := load(t, "seq:n=50000", "", "", "")
	_, err := replay.Run(ctx, ring(t, node("a", 1)), set, replay.Config{Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

// FuzzReadChurn feeds arbitrary files to the parser. What it accepts must be
// refused by a replay for a stated line, or be applied.
func FuzzReadChurn(f *testing.F) {
	f.Add(`{"at":1,"op":"add","id":"b","weight":2,"zone":"z"}`)
	f.Add(`{"at":"1s","op":"weight","id":"a","weight":3}` + "\n\n" + `{"at":1e3,"op":"remove","id":"a"}`)
	f.Add(`{"at":"2025-01-01T00:01:00Z","op":"add","id":"x"}`)
	f.Add(`{"at":1,"op":"add","id":"b","weight":65537}`)
	f.Add(`{"at":2^3,"op":"add"}`)

	f.Fuzz(func(t *testing.T, text string) {
		events, err := replay.ReadChurn("churn", strings.NewReader(text))
		if err != nil {
			return
		}
		for _, e := range events {
			if e.Weight > 100 {
				return // a ring too large to build here
			}
		}
		set := load(t, "-", "json:.k", ".t", timed)
		got, err := replay.Run(t.Context(), ring(t, node("a", 1)), set, replay.Config{ChurnName: "churn", Events: events})
		var bad *replay.ChurnError
		if err != nil {
			if !errors.As(err, &bad) || bad.Line < 1 {
				t.Fatalf("got error %v, want one that names a line", err)
			}
			return
		}
		if len(got.Events)+len(got.Late) != len(events) {
			t.Fatalf("%d events applied and %d late of %d", len(got.Events), len(got.Late), len(events))
		}
	})
}
