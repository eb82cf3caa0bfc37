package main

import (
	"os"
	"strings"
	"testing"
)

// exitsOf are the exit codes of examples that do not exit 0, with the files and
// settings of this test: the new result is slower, and a few keys are not even.
func exitsOf() map[string]int {
	return map[string]int{
		"compare --fail-on 5% old.json new.json":           8,
		"tune --nodes 12 --peak 1.05":                      8,
		"tune --nodes 12 --peak 1.1":                       8,
		"tune --nodes 12 --peak 1.05 --keys uniform:n=1e4": 8,
		"tune --nodes 100 --peak 1.2 --prefer memory":      8,
	}
}

// The examples of --help must run as they stand. What a shell does is done here
// in a small way, and a line that this shell does not know fails the test.
func TestHelpShowsExamplesThatRun(t *testing.T) {
	workFolder(t)
	// Shorter, not other: what an example states itself is not touched.
	for name, value := range map[string]string{"COUNT": "1", "TIME": "1ms", "PATIENCE": "0s", "MAX_POINTS": "128", "NODES": "5", "KEYS": "seq:n=500"} {
		t.Setenv("RINGBENCH_"+name, value)
	}
	sh := &shell{exits: exitsOf(), measured: make(map[string]bool)}
	for _, command := range []string{"", "run", "clock", "compare", "tune", "plan", "replay", "gen", "report", "verify", "list"} {
		help, _ := expect(t, 0, strings.TrimSpace(command+" --help"))
		if !strings.Contains(help, "Exit codes:") {
			t.Errorf("%s --help lacks the exit codes", command)
		}
		_, examples, _ := strings.Cut(help, "Examples:\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		writeFiles(t, map[string]string{"nodes.txt": "a\nb\nc 2\n", "access.log": "/a\n/b\n"})
		copyFile(t, "result_a.json", "results.json")
		sh.ran = 0
		for line := range strings.Lines(examples) {
			line = strings.NewReplacer("1e6", "1e4", "1e5", "1e4", "/var/log/access.log*", "access.log").Replace(strings.TrimSpace(line))
			sh.run(t, line)
		}
		if sh.ran < 2 {
			t.Errorf("%s --help: %d examples ran", command, sh.ran)
		}
	}
	for line := range sh.exits {
		t.Errorf("no example is %q", line)
	}
}

// A shell runs the lines of examples.
type shell struct {
	exits    map[string]int // of commands that are still to come
	measured map[string]bool
	ran      int
}

// run runs a line: commands joined by &&, each a pipe, each with a file for what
// it prints.
func (s *shell) run(t *testing.T, line string) {
	t.Helper()
	for part := range strings.SplitSeq(line, " && ") {
		part, file, _ := strings.Cut(part, " > ")
		input := ""
		for i, stage := range strings.Split(part, " | ") {
			name, args, _ := strings.Cut(stage, " ")
			switch name {
			case "printf", "echo":
				input = strings.ReplaceAll(strings.Trim(args, "'"), `\n`, "\n")
			case "cat", "zcat":
				text, err := os.ReadFile(strings.TrimPrefix(args, "-f "))
				if err != nil {
					t.Errorf("the example %q: %v", line, err)
				}
				input = string(text)
			case "sort", "uniq", "head":
				if i == 0 {
					t.Errorf("the example %q begins with %s", line, name)
				}
			case "ringbench":
				input = s.ringbench(t, args, input)
			default:
				t.Errorf("the example %q is not run here: no command %q", line, name)
			}
		}
		if file != "" {
			writeFiles(t, map[string]string{file: input})
		}
	}
}

// ringbench runs one command and returns what it prints.
func (s *shell) ringbench(t *testing.T, args, input string) string {
	t.Helper()
	verb, _, _ := strings.Cut(args, " ")
	if verb == "compare" { // of results that differ, and the same everywhere
		copyFile(t, "result_a.json", "old.json")
		copyFile(t, "result_b.json", "new.json")
	}
	want := s.exits[args]
	delete(s.exits, args)
	if s.ran++; testing.Short() && s.measured[verb] {
		return "" // one is enough under the race detector, where each takes ten seconds
	}
	s.measured[verb] = verb == "run" || verb == "clock" || verb == "tune"
	writeFiles(t, map[string]string{"input": input})
	stdout, stderr, code := ringbench(t, args+" < input")
	if code != want {
		t.Errorf("the example ringbench %s: exit %d, want %d: %s", args, code, want, stderr)
	}
	return stdout
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{to: string(data)})
}
