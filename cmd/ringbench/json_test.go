package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// paths adds the fields of a JSON value, with their kinds, to found.
func paths(prefix string, v any, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			paths(prefix+"."+name, inner, found)
		}
	case []any:
		for _, inner := range v {
			paths(prefix+"[]", inner, found)
		}
		if len(v) == 0 {
			found[prefix+" list"] = true
		}
	case nil:
		found[prefix+" null"] = true
	default:
		found[prefix+" "+fmt.Sprintf("%T", v)] = true
	}
}

// The JSON is a contract: fields are only ever added. Add to these lists, take
// nothing away.
func TestJSONFieldsStay(t *testing.T) {
	tests := []struct {
		command string
		code    int
		want    string
	}{
		{"plan --from old.txt --to new.txt --keys zipf:n=100 --json", 0, `.command string .flows[].from string .flows[].share float64
.flows[].to string .from.fingerprint string .from.layout string .from.name string .from.nodes float64 .from.points_per_weight float64
.from.probes float64 .keys.distinct_check.agrees bool .keys.distinct_check.bound float64 .keys.distinct_check.exact float64
.keys.distinct_check.share float64 .keys.distinct_keys float64 .keys.effective_keys float64 .keys.generated bool
.keys.hot_keys[].count float64 .keys.hot_keys[].from string .keys.hot_keys[].key string .keys.hot_keys[].moves bool
.keys.hot_keys[].share float64 .keys.hot_keys[].to string .keys.keys float64 .keys.moved_distinct_keys float64 .keys.moved_keys float64
.keys.needless_distinct_keys float64 .keys.skipped_lines float64 .keys.source string .keys.total_check.agrees bool
.keys.total_check.bound float64 .moved_is_exact bool .moved_over_optimum float64 .moved_share float64 .needless_share float64
.nodes[].id string .nodes[].share_from float64 .nodes[].share_to float64 .nodes[].weight_from float64 .nodes[].weight_to float64
.optimum_share float64 .seed float64 .to.fingerprint string .units.moved_share string .version float64`},
		{"plan --from old.txt --to new.txt --probes 2 --json", 0, ".flows null .needless_share null .moved_share float64"},
		{"replay --trace zipf:n=1e3 --topology old.txt --churn churn.ndjson --bounded 1.25 --json", 0, `.bound float64 .command string
.distinct_keys float64 .diverted_keys float64 .events[].at_key float64 .events[].id string .events[].keys_after float64
.events[].moved_distinct_keys float64 .events[].moved_is_exact bool .events[].moved_keys_after float64 .events[].moved_share float64
.events[].op string .events[].weight float64 .in_flight float64 .keys float64 .late_events[].id string .late_events[].line float64
.late_events[].op string .nodes[] string .seed float64 .topology string .totals[].fair float64 .totals[].load float64
.totals[].node string .totals[].weight float64 .trace string .units.fair string .version float64 .windows[].diverted_keys float64
.windows[].fair[] float64 .windows[].keys float64 .windows[].load[] float64 .windows[].load_by_owner[] float64
.windows[].peak.node string .windows[].peak.over_fair float64 .windows[].peak_by_owner.node string
.windows[].peak_by_owner.over_fair float64 .windows[].start_key float64`},
		{"replay --trace log.txt --topology old.txt --window 1m --json", 0, ".events list .late_events list .window_ns float64 .windows[].start_time string"},
		{"verify wrong.json --json", 1, `.command string .differences[].got string .differences[].key string .differences[].want string
.differences[].what string .differences_total float64 .file string .fingerprint string .keys float64 .nodes float64 .version float64 .written bool`},
		{"verify --write golden.json --keys seq:n=3 --topology old.txt --json", 0, ".differences list .written bool"},
		{"run --algo ring --nodes 4 --keys log.txt --weights 1,2 --count 2 --time 1ms --patience 0s --output json", 0, `.created string
.keys.count float64 .keys.digest string .keys.distinct float64 .keys.format string .keys.skipped float64 .keys.source string
.machine.arch string .machine.command[] string .machine.cores float64 .machine.cpu string .machine.go string .machine.os string
.machine.seed float64 .reference.batches float64 .reference.best_ns float64 .reference.median_ns float64
.reference.quiet_batches float64 .rows[].algo string .rows[].batch.count float64 .rows[].batch.max float64
.rows[].batch.memory float64 .rows[].batch.ops float64 .rows[].batch.p50 float64 .rows[].batch.p90 float64
.rows[].batch.p99 float64 .rows[].batch.quiet float64 .rows[].better string .rows[].confidence float64 .rows[].exact bool
.rows[].high float64 .rows[].low float64 .rows[].metric string .rows[].nodes float64 .rows[].passes[] float64
.rows[].points float64 .rows[].probes float64 .rows[].samples[] float64 .rows[].spread.error float64
.rows[].spread.halves float64 .rows[].spread.twins float64 .rows[].unit string .rows[].value float64 .rows[].weights string
.schema string .settings.passes float64 .settings.replicas float64 .settings.seconds float64 .settings.time_ns float64
.settings.weights string .settings.zones float64 .version string .words[] string`},
		{"compare result_a.json result_b.json --output json", 0, `.command string .new string .old string .rows[].better string
.rows[].config string .rows[].delta float64 .rows[].exact bool .rows[].high float64 .rows[].limit float64 .rows[].low float64
.rows[].metric string .rows[].new float64 .rows[].old float64 .rows[].p float64 .rows[].p_holm float64 .rows[].unit string
.rows[].verdict string .units.delta string .units.limit string .units.p string .units.p_holm string .units.verdict string
.version float64 .words[] string`},
		{"tune --nodes 4 --peak 2 --keys uuid:n=500 --probes 1 --max-points 16 --patience 0s --output json", 0, `.best.bytes float64
.best.lookup_high_ns float64 .best.lookup_low_ns float64 .best.lookup_ns float64 .best.peak_median float64
.best.peak_worst float64 .best.reached bool .best.setting.points float64 .best.setting.probes float64
.candidates[].bytes float64 .candidates[].lookup_high_ns float64 .candidates[].lookup_low_ns float64
.candidates[].lookup_ns float64 .candidates[].peak_median float64 .candidates[].peak_worst float64 .candidates[].reached bool
.candidates[].setting.points float64 .candidates[].setting.probes float64 .chance float64 .command string .hottest float64
.keys string .nodes float64 .peak float64 .seed float64 .units.bytes string .units.chance string .units.hottest string
.units.lookup_high_ns string .units.lookup_low_ns string .units.lookup_ns string .units.peak string .units.peak_median string
.units.peak_worst string .units.points string .units.probes string .version float64 .words[] string`},
		{"tune --nodes 4 --peak 1.0001 --keys uuid:n=50 --probes 1 --max-points 2 --patience 0s --output json", 8, ".best null"},
		{"report clock_a.json --output json", 0, `.schema string .version string .created string .machine.cpu string .machine.command[] string
.machine.seed float64 .settings.passes float64 .settings.time_ns float64 .settings.seconds float64 .clocks.actors string
.clocks.count_max float64 .clocks.span_ns float64 .clocks.digest string .reference.best_ns float64 .rows[].algo string
.rows[].entries float64 .rows[].metric string .rows[].unit string .rows[].better string .rows[].value float64 .rows[].exact bool
.rows[].low float64 .rows[].high float64 .rows[].confidence float64 .rows[].samples[] float64 .rows[].passes[] float64
.rows[].spread.twins float64 .rows[].batch.memory float64 .words[] string`},
		{"list --output json", 0, `.algorithms[].limits string .algorithms[].name string .algorithms[].points bool
.algorithms[].probes bool .algorithms[].removal string .algorithms[].replicas bool .algorithms[].title string
.algorithms[].use string .algorithms[].weights bool .algorithms[].zones bool .command string .formats[] string .keys[] string
.metrics[].better string .metrics[].group string .metrics[].means string .metrics[].name string .metrics[].of string .metrics[].timed bool
.metrics[].unit string .version float64`},
	}
	workFolder(t)
	for _, tt := range tests {
		stdout, stderr, code := ringbench(t, tt.command)
		if code != tt.code {
			t.Errorf("%s: exit %d, want %d: %s", tt.command, code, tt.code, stderr)
		}
		var v any
		if err := json.Unmarshal([]byte(stdout), &v); err != nil {
			t.Errorf("%s: %v in %s", tt.command, err, stdout)
			continue
		}
		found := make(map[string]bool)
		paths("", v, found)
		want := strings.Fields(tt.want)
		for pair := range slices.Chunk(want, 2) {
			if field := strings.Join(pair, " "); !found[field] {
				t.Errorf("%s: lacks the field %s", tt.command, field)
			}
		}
	}
}
