package main

import (
	"os"
	"strings"
	"testing"
)

// A flag beats what is meant for its command, the environment before the file,
// and that beats what is meant for all, the environment before the file.
func TestWhereSettingsComeFrom(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{"config.json": `{"seed": 1000000, "only": "memory", "run": {"only": "balance", "nodes": [3, 5], "algo": "jump"}}`})
	base := "run --config config.json --keys seq:n=100"
	top := "run --config top.json --keys seq:n=100 --only balance --algo jump"
	writeFiles(t, map[string]string{"top.json": `{"nodes": [3, 5]}`})
	stdout, _ := expect(t, 0, base)
	if !strings.HasPrefix(stdout, "seed      1000000\n") || !strings.Contains(stdout, "\n3 nodes") || !strings.Contains(stdout, "\n5 nodes") || strings.Contains(stdout, "memory ") {
		t.Errorf("with the file:\n%s", stdout)
	}
	t.Setenv("RINGBENCH_NODES", "7")
	stdout, _ = expect(t, 0, top)
	if !strings.Contains(stdout, "\n7 nodes") || strings.Contains(stdout, "\n3 nodes") {
		t.Errorf("the environment for all does not beat the top of the file:\n%s", stdout)
	}
	stdout, _ = expect(t, 0, base)
	if strings.Contains(stdout, "\n7 nodes") || !strings.Contains(stdout, "\n3 nodes") {
		t.Errorf("the section of run does not beat the environment for all:\n%s", stdout)
	}
	t.Setenv("RINGBENCH_RUN_NODES", "8")
	t.Setenv("RINGBENCH_CONFIG", "config.json")
	stdout, _ = expect(t, 0, "run --keys seq:n=100")
	if !strings.Contains(stdout, "\n8 nodes") || strings.Contains(stdout, "\n3 nodes") || strings.Contains(stdout, "\n7 nodes") {
		t.Errorf("the environment of run does not beat its section:\n%s", stdout)
	}
	stdout, _ = expect(t, 0, base+" --nodes 9")
	if !strings.Contains(stdout, "\n9 nodes") || strings.Contains(stdout, "\n8 nodes") {
		t.Errorf("with a flag:\n%s", stdout)
	}
}

// A setting for all commands that serves some of them must not break the others.
func TestSettingsForAllBreakNoCommand(t *testing.T) {
	const tune = "tune --peak 3 --nodes 3 --keys seq:n=500 --probes 1 --max-points 16 --patience 0s"
	tests := []struct {
		name, value, line string
		notes             bool // whether stderr says that it is not used
	}{
		{"OUTPUT", "json", "gen --keys seq:n=3", false},
		{"OUTPUT", "html", "list keys", true},
		{"OUTPUT", "md", "plan --from old.txt --to new.txt", true},
		{"OUTPUT", "csv", "plan --from old.txt --to new.txt --json", false},
		{"OUTPUT", "csv", "report result_a.json -o page.html", false},
		{"OUT", "kept.txt", "gen --keys seq:n=3", false},
		{"OUT", "kept.txt", "report result_a.json", false},
		{"KEYS", "words", "verify short.json", false},
		{"TOPOLOGY", "old.txt", "verify short.json", false},
		{"NODES", "10,100", tune, false},
		{"PROBES", "1,2", "plan --from old.txt --to new.txt", true},
		{"POINTS", "40,160", "replay --trace seq:n=9 --topology old.txt", true},
		{"COUNT", "3", "verify --write all.json --keys seq:n=5 --topology old.txt", false},
		{"JSON", "true", "replay --trace seq:n=9 --topology old.txt --csv", false},
		{"FORMAT", "json:.user", "gen --keys seq:n=3", false},
		{"WRITE", "kept.txt", "verify short.json", false},
	}
	workFolder(t)
	expect(t, 0, "verify --write short.json --keys seq:n=3 --topology old.txt")
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value+" "+tt.line, func(t *testing.T) {
			t.Setenv("RINGBENCH_"+tt.name, tt.value)
			stdout, stderr := expect(t, 0, tt.line)
			if says := strings.Contains(stderr, "RINGBENCH_"+tt.name+": ") && strings.Contains(stderr, "not used here"); says != tt.notes {
				t.Errorf("stderr %q, want a note: %v", stderr, tt.notes)
			}
			if stdout == "" && !strings.Contains(stderr, "wrote page.html") {
				t.Error("nothing was printed")
			}
		})
	}
	t.Setenv("RINGBENCH_NODES", "10,100")
	if _, stderr := expect(t, 2, "tune --peak 3"); !strings.Contains(stderr, `RINGBENCH_NODES: --nodes "10,100": not`) || !strings.Contains(stderr, `"nodes" not set`) {
		t.Errorf("stderr %q", stderr)
	}
	for _, name := range []string{"json", "kept.txt"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("a setting for all commands made the file %s", name)
		}
	}
	if page, err := os.ReadFile("page.html"); err != nil || !strings.HasPrefix(string(page), "<!") {
		t.Errorf("page.html holds %.40q, %v", page, err)
	}
	if all, err := os.ReadFile("all.json"); err != nil || strings.Count(string(all), `"hash"`) != 5 {
		t.Errorf("all.json holds %s, %v; want 5 keys", all, err)
	}
}

// A number that cannot be used is refused in words, and every whole number may
// be written as a size.
func TestNumbersOfFlags(t *testing.T) {
	bad := []struct{ line, says string }{
		{"run --count 1.5", "--count 1.5: not a whole number; write 1000"},
		{"run --count many", `--count "many": not a whole number; write 1000`},
		{"run --count 0", "--count 0: use 1 to 1000"},
		{"run --seed -1", "--seed -1: use a whole number from 0 to 18446744073709551615"},
		{"run --seed 99999999999999999999", "--seed 99999999999999999999: "},
		{"run --time 5", "--time 5: not a time; write 700ms, 5s or 2m"},
		{"run --rf 2000", "--rf 2000: use 1 to 1000"},
		{"tune --nodes 3 --peak x", `--peak "x": not a number; use more than 1`},
		{"tune --nodes 3 --peak NaN", `--peak "NaN": use more than 1`},
		{"plan --from a --to b --top 1.5", "--top 1.5: not a whole number"},
		{"plan --from a --to b --json=maybe", `--json "maybe": use true or false`},
		{"replay --trace words --topology a --bounded x", `--bounded "x": not a number; use 1 to 1e6`},
		{"verify --write x --count 1.5", "--count 1.5: not a whole number"},
	}
	workFolder(t)
	for _, tt := range bad {
		if _, stderr, code := ringbench(t, tt.line); code != 2 || !strings.Contains(stderr, tt.says) || strings.Contains(stderr, "strconv") || strings.Contains(stderr, "invalid argument") {
			t.Errorf("%s: exit %d, stderr %q, want 2 and %q", tt.line, code, stderr, tt.says)
		}
	}
	for _, seed := range []string{"1e3", "1k", "1000", "1_000"} {
		if stdout, _ := expect(t, 0, "run --algo jump --nodes 3 --only balance --keys seq:n=9 --count 1e1 --seed "+seed); !strings.HasPrefix(stdout, "seed      1000\n") {
			t.Errorf("--seed %s printed %.40q", seed, stdout)
		}
	}
	if stdout, _ := expect(t, 0, "gen --keys uuid:n=1 --seed 18446744073709551615"); len(stdout) != 37 {
		t.Errorf("the largest seed printed %q", stdout)
	}
}

// --output is the format wherever there is one; the short forms say the same.
func TestOutputIsTheFormat(t *testing.T) {
	workFolder(t)
	expect(t, 0, "verify --write short.json --keys seq:n=3 --topology old.txt")
	for _, tt := range []struct{ line, short string }{
		{"plan --from old.txt --to new.txt", "json"},
		{"replay --trace seq:n=9 --topology old.txt", "json"},
		{"replay --trace seq:n=9 --topology old.txt", "csv"},
		{"verify short.json", "json"},
	} {
		long, _ := expect(t, 0, tt.line+" --output "+tt.short)
		if short, _ := expect(t, 0, tt.line+" --"+tt.short); long != short {
			t.Errorf("%s: --output %s printed %s, --%s printed %s", tt.line, tt.short, long, tt.short, short)
		}
		if table, _ := expect(t, 0, tt.line+" --output table"); table == long {
			t.Errorf("%s: --output table printed %s", tt.line, table)
		}
		expect(t, 2, tt.line+" --output table --"+tt.short)
		expect(t, 2, tt.line+" --output pdf")
	}
}

func TestBadConfig(t *testing.T) {
	workFolder(t)
	tests := []struct {
		name, text, says string
		code             int
	}{
		{"no JSON", "seed: 1", "invalid character", 2},
		{"unknown flag", `{"sead": 1}`, `no flag is called "sead"`, 2},
		{"unknown command", `{"walk": {"seed": 1}}`, `no command is called "walk"`, 2},
		{"flag of another command", `{"run": {"peak": 2}}`, `run has no flag called "peak"`, 2},
		{"bad value", `{"run": {"count": "many"}}`, "config.json: --count", 2},
		{"two objects", `{"seed": 1} {"seed": 2}`, "text behind the JSON object", 2},
		{"junk at the end", `{"seed": 1} junk`, "text behind the JSON object", 2},
		{"what differs by command", `{"out": "x"}`, `"out" differs from command to command`, 2},
		{"itself", `{"config": "other.json"}`, `no flag is called "config"`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			writeFiles(t, map[string]string{"config.json": tt.text})
			if _, stderr := expect(t, tt.code, "run --config config.json"); !strings.Contains(stderr, tt.says) {
				t.Errorf("stderr %q does not say %q", stderr, tt.says)
			}
		})
	}
	if _, stderr := expect(t, 5, "run --config none.json"); !strings.Contains(stderr, "none.json: no such file") {
		t.Errorf("stderr %q", stderr)
	}
	t.Setenv("RINGBENCH_COUNT", "many")
	if _, stderr := expect(t, 2, "run"); !strings.Contains(stderr, "RINGBENCH_COUNT: --count") {
		t.Errorf("stderr %q does not name the variable", stderr)
	}
}
