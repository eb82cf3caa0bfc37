package transport

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/load"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/system"
)

func env(count int) report.Env { return report.Env{Count: count, Logf: func(string, ...any) {}} }

// three returns ours, a floor and two rivals, without processes.
func three() []*rig {
	return []*rig{
		{name: "genserver", kind: system.Ours}, {name: floorName, kind: system.Floor},
		{name: "nats", kind: system.Rival}, {name: "ttrpc", kind: system.Rival},
	}
}

// Each round must begin with another contender, and the samples of a round must
// be paired.
func TestTurnsRotateAndPair(t *testing.T) {
	b := &bench{env: env(3)}
	rigs := three()
	var order []string
	calls := make(map[string]float64)
	results, err := b.turns(rigs, func(r *rig) ([]float64, error) {
		order = append(order, r.name)
		calls[r.name]++
		return []float64{calls[r.name]}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if order[0] != "genserver" || order[4] != floorName || order[8] != "nats" {
		t.Errorf("order is %v, want another first in each round", order)
	}
	for i, r := range results {
		if r.rig != rigs[i] || len(r.samples) != 3 || r.samples[2][0] != 3 {
			t.Errorf("result %d is of %s: %v, want its three samples in order", i, r.rig.name, r.samples)
		}
	}
}

// A rival that fails is left out and named; ours must not fail.
func TestTurnsLeaveOutWhatFails(t *testing.T) {
	b := &bench{env: env(2)}
	fail := func(name string) ([]*result, error) {
		return b.turns(three(), func(r *rig) ([]float64, error) {
			if r.name == name {
				return nil, errors.New("broken")
			}
			return []float64{1}, nil
		})
	}
	results, err := fail("nats")
	if err != nil {
		t.Fatal(err)
	}
	row := fill("work", "us", results, 0, floorName, rivals)
	row.row.Against(1, row.ours, row.rivals)
	if row.row.Status != report.MetInPart || row.row.Rival != "ttrpc" || !strings.Contains(row.row.Peers[2].Note, "broken") {
		t.Errorf("row is %+v, want met in part against ttrpc, and why nats is out", row.row)
	}
	if _, err := fail("genserver"); err == nil {
		t.Error("ours failed, and there is no error")
	}
}

// Of rates the highest is the best, and only those that the goal names count.
func TestRatesAreJudgedAgainstTheFastest(t *testing.T) {
	rates := map[string][]float64{"genserver": {30, 60}, floorName: {90, 90}, "nats": {10, 20}, "ttrpc": {20, 20}}
	b, i := &bench{env: env(2)}, make(map[string]int)
	results, err := b.turns(three(), func(r *rig) ([]float64, error) {
		i[r.name]++
		return []float64{rates[r.name][i[r.name]-1]}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := fill("work", "k/s", results, 0, floorName, rivals)
	all.faster(2.5)
	if r := all.row; r.Rival != "ttrpc" || r.RivalValue != 20 || r.Ratio != 2.25 || r.RatioLow != 1.5 || r.RatioHigh != 3 || r.Status != report.Missed || r.Floor != 90 {
		t.Errorf("row is %+v, want 2.25x (1.5-3) of ttrpc, missed", r)
	}
	some := fill("work", "k/s", results, 0, floorName, named("nats"))
	some.faster(3)
	if r := some.row; r.Rival != "nats" || r.Ratio != 3 || r.Status != report.Met {
		t.Errorf("row is %+v, want 3x of nats, met", r)
	}
	none := fill("work", "k/s", results, 0, floorName, named("grpc stream"))
	none.faster(1)
	if none.row.Status != report.Skipped {
		t.Errorf("status is %q without a rival, want %q", none.row.Status, report.Skipped)
	}
}

func TestLossesAreStated(t *testing.T) {
	a, b := flowSum{name: "a"}, flowSum{name: "b"}
	for range 2 {
		a.add(load.Flow{Sent: 100, Delivered: 100})
		b.add(load.Flow{Sent: 100, Delivered: 75, Refused: 3, Reported: 20})
	}
	got := strings.Join(lossNotes([]*flowSum{&a, &b}), "; ")
	if want := "b delivered 150 of 200 (75.0 %); b reported 40 as lost; b refused 6 more"; got != want {
		t.Errorf("notes are %q, want %q", got, want)
	}
}

// stuck is a loader that hangs until it is killed.
type stuck struct {
	loader
	killed chan struct{}
	closed bool
}

func (s *stuck) OneWay(int, int) (load.Flow, error) {
	<-s.killed
	return load.Flow{}, errors.New("gone")
}
func (s *stuck) PIDs() []int { return nil }
func (s *stuck) Kill()       { close(s.killed) }
func (s *stuck) Close() error {
	s.closed = true
	return nil
}

// What hangs must be killed, stopped and started anew for the next sample.
func TestRigThatHangsIsKilled(t *testing.T) {
	var up []*stuck
	r := &rig{name: "a", limit: 20 * time.Millisecond, start: func() (loader, error) {
		up = append(up, &stuck{killed: make(chan struct{})})
		return up[len(up)-1], nil
	}}
	for i := range 2 {
		if _, err := flow(r, 1, 1); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("error %v, want that it was killed", err)
		}
		if len(up) != i+1 || !up[i].closed || r.up != nil {
			t.Errorf("%d were started, the last is left", len(up))
		}
	}
}

// What is plain must count for no goal, however fast it is, and must be named with
// its ratio.
func TestPlainTwinsAreNotedAndDoNotCount(t *testing.T) {
	sealed := &rig{name: "nats tls", kind: system.Rival}
	rigs := []*rig{
		{name: "genserver", kind: system.Ours}, sealed, {name: "nats", kind: system.Plain, twin: sealed},
		{name: "drpc", kind: system.Plain, twin: &rig{name: "drpc tls", kind: system.Rival}},
	}
	values := map[string]float64{"genserver": 30, "nats tls": 10, "nats": 20, "drpc": 60}
	b := &bench{env: env(1)}
	results, err := b.turns(rigs, func(r *rig) ([]float64, error) { return []float64{values[r.name]}, nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		counts func(*rig) bool
		note   string
	}{
		{rivals, "of plain drpc, the best without encryption, ours/rival is 0.50x"},
		{named("nats tls"), "of plain nats, the best without encryption, ours/rival is 1.50x"},
	} {
		row := fill("work", "k/s", results, 0, "", tt.counts)
		row.faster(3)
		if r := row.row; r.Rival != "nats tls" || r.Status != report.Met || !strings.HasPrefix(r.Note, tt.note) {
			t.Errorf("row is %+v, want 3x of nats tls, and the note %q", r, tt.note)
		}
	}
	times := fill("work", "us", results, 0, "", rivals)
	times.sooner(1)
	if r := times.row; r.Rival != "nats tls" || r.Status != report.Missed || !strings.Contains(r.Note, "of plain nats, the best without encryption, rival/ours is 0.67x") {
		t.Errorf("row is %+v, want that nats tls is best of those that count, and plain nats of the others", r)
	}
}

// A plain system that has lost its twin would be missed in the notes.
func TestEveryPlainRigHasItsTwin(t *testing.T) {
	plain := 0
	for _, r := range rigs() {
		if r.kind != system.Plain {
			continue
		}
		plain++
		if r.twin == nil || r.twin.kind != system.Rival || r.twin.name != r.name+" tls" {
			t.Errorf("%s has twin %+v", r.name, r.twin)
		}
	}
	if plain < 6 {
		t.Errorf("%d systems are plain, want 6 or more", plain)
	}
}

// Every work must have a name and goals, and names tell works apart.
func TestWorksAreListed(t *testing.T) {
	seen := make(map[string]bool)
	g := Group()
	for _, w := range g.Works(report.Env{}) {
		if w.Name == "" || len(w.Goals) == 0 || seen[w.Name] {
			t.Errorf("work %q has no name of its own or no goal", w.Name)
		}
		seen[w.Name] = true
	}
	g.Done()
}
