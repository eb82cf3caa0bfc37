package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeFiles writes files into the current folder.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every kind of bad input gives an error that says what and where, and its exit
// code: 2 if it cannot be used, 5 if it is not there.
func TestBadInputs(t *testing.T) {
	const plan = "plan --from old.txt --to new.txt "
	const replay = "replay --trace seq:n=10 --topology old.txt "
	tests := []struct {
		command string
		code    int
		want    string
	}{
		{"gen", 2, `required flag(s) "keys" not set`},
		{"gen --keys foo", 2, `keys "foo": no such source; use file:PATH`},
		{"gen --keys zipf:s=0", 2, `keys "zipf:s=0": s: "0": want a number above 0`},
		{"gen --keys zipf:n=1,q=2", 2, `no parameter "q"; it has n, s, distinct`},
		{"gen --keys seq:n=5 --format lines", 2, "drop the format"},
		{"gen --keys log.txt --format xml", 2, `format "xml": unknown; use auto, lines`},
		{"gen --keys log.txt --format json:user", 2, "starts with a dot"},
		{"gen --keys orders.csv --format csv:nope", 2, `orders.csv:1: no column "nope"; the header has ["id" "when"]`},
		{"gen --keys orders.csv --format csv:id --time-field never", 2, `no column "never"`},
		{"gen --keys events.ndjson --format json:.nope", 2, "none of the 3 lines is in the format json:.nope; the first, line 1: no such JSON field: .nope"},
		{"gen --keys old.txt --format combined", 2, "none of the 3 lines is in the format combined:path"},
		{"gen --keys nosuch.txt", 5, "nosuch.txt: no such file"},
		{"gen --keys nosuch.txt -o out.txt", 5, "ringbench: nosuch.txt: no such file"},
		{"gen --keys -", 2, "stdin: no keys: the input is empty"},
		{"gen --keys bad.gz", 2, "bad.gz: the gzip data is damaged or cut off"},
		{"gen --keys cut.gz", 2, "the gzip data is damaged or cut off"},
		{"gen --keys nul.bin --format lines", 2, "holds a NUL byte; is this a text file?"},
		{"gen --keys long.txt", 2, "line too long: 100000 bytes, at most 65536"},
		{"gen --keys ends.csv --format csv:1", 1, "ends.csv: 1 key hold"},
		{"gen --keys seq:n=1 -o no/such/folder/x", 1, "write no/such/folder/x"},
		{"gen --keys file:.", 2, "is a directory"},
		{"gen --keys seq:n=3 extra", 2, "unknown command"},

		{"plan --from old.txt", 2, `required flag(s) "to" not set`},
		{"plan --from nosuch.txt --to new.txt", 5, "nosuch.txt: no such file"},
		{"plan --from log.txt --to new.txt", 2, "log.txt:1: "},
		{"plan --from broken.json --to new.txt", 2, "broken.json:2: "},
		{"plan --from empty.txt --to new.txt", 2, "empty.txt: no nodes"},
		{"plan --from - --to -", 2, "stdin can be read once"},
		{"plan --from - --to new.txt --keys -", 2, "stdin can be read once"},
		{"plan --from old.txt --to three.json", 2, "old.txt and three.json place keys by different rules"},
		{"plan --from old.txt --to three.json --layout v1", 2, "three.json: it states layout clusterluck, which --layout v1 contradicts"},
		{plan + "--layout v9", 2, `--layout: hashring: layout "v9"`},
		{plan + "--points -1", 2, "points -1"},
		{plan + "--probes 17", 2, "probes 17"},
		{plan + "--top -1", 2, "--top -1: use 1 or more"},
		{plan + "--top 0", 2, "--top 0: use 1 or more"},
		{replay + "--top 0", 2, "--top 0: use 1 or more"},
		{"completion foo", 2, `no completions for "foo"; use bash`},
		{"run -o -", 2, "-o -: the report goes to stdout"},
		{`gen --keys C:\none\y.log`, 5, `C:\none\y.log: no such file`},
		{"gen --keys c:/none/y.log", 5, "c:/none/y.log: no such file"},
		{plan + "--keys nosuch.txt", 5, "nosuch.txt: no such file"},

		{replay + "--churn nosuch.ndjson", 5, "nosuch.ndjson: no such file"},
		{replay + "--churn old.txt", 2, "old.txt:1: not an event"},
		{replay + "--churn empty.txt", 2, "empty.txt:1: no events"},
		{replay + "--churn early.ndjson", 2, `early.ndjson:2: remove "x": unknown node`},
		{replay + "--window 0", 2, `--window "0": want a number of keys`},
		{replay + "--window x", 2, `--window "x": want a number of keys`},
		{replay + "--window 5m", 2, "5m0s is a time, but the trace has none"},
		{replay + "--bounded 0.5", 2, "--bounded 0.5: use 1 to 1e6"},
		{replay + "--bounded NaN", 2, `--bounded "NaN": use 1 to 1e6`},
		{replay + "--in-flight 0", 2, "--in-flight 0: use 1 to"},
		{replay + "--json --csv", 2, "none of the others can be"},
		{"replay --trace seq:n=1e5 --topology old.txt --window 1", 2, "at most 10000"},
		{"replay --topology old.txt", 2, `required flag(s) "trace" not set`},

		{"verify", 2, "no golden file; name one, or make one with --write"},
		{"verify nosuch.json", 5, "nosuch.json: no such file"},
		{"verify old.txt", 2, "old.txt: line 1: not a golden file"},
		{"verify three.json", 2, "three.json: line 1: not a golden file"},
		{"verify wrong.json --write x.json", 2, "not both"},
		{"verify wrong.json --keys words", 2, "--keys goes with --write: add that, or drop --keys"},
		{"verify wrong.json --layout clusterluck", 2, "--layout goes with --write"},
		{"verify wrong.json --rf 9", 2, "--rf goes with --write"},
		{"gen --keys seq:n=1 --output x", 2, "unknown flag: --output"},
		{"verify --write x.json --keys words", 2, "--write needs --keys and --topology"},
		{"verify --write x.json --keys seq:n=1 --topology old.txt --count 0", 2, "--count 0: want 1 or more"},
		{"verify --write x.json --keys seq:n=1 --topology old.txt --rf 0", 2, "--rf 0: want 1 to 1000"},
		{"verify --write no/x.json --keys seq:n=1 --topology old.txt", 1, "write no/x.json"},
	}
	workFolder(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, strings.Repeat("a line\n", 100)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{
		"empty.txt": "", "bad.gz": "\x1f\x8bnot gzip", "cut.gz": packed.String()[:packed.Len()-6], "nul.bin": "\x00\x01\n",
		"long.txt": strings.Repeat("x", 100_000), "ends.csv": "\"a\nb\"\n", "broken.json": "{\n\"nodes\": [}\n",
		"early.ndjson": `{"at":1,"op":"add","id":"d"}` + "\n" + `{"at":2,"op":"remove","id":"x"}`,
	})
	before := folder(t)
	for _, tt := range tests {
		stdout, stderr, code := ringbench(t, tt.command)
		if code != tt.code || !strings.Contains(stderr, tt.want) || !strings.HasPrefix(stderr, "ringbench: ") {
			t.Errorf("ringbench %s: exit %d, want %d; stderr %q, want it to say %q", tt.command, code, tt.code, stderr, tt.want)
		}
		if stdout != "" {
			t.Errorf("ringbench %s: wrote %q to stdout", tt.command, stdout)
		}
	}
	if after := folder(t); after != before {
		t.Errorf("bad input left files behind: %s, before %s", after, before)
	}
}

// folder lists the current folder.
func folder(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// A file that cannot be read ends every command alike: exit 2, its name once,
// and why. One that is not there exits 5.
func TestUnreadableFilesEndAlike(t *testing.T) {
	workFolder(t)
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{"budget.json": `{"limits": [{"metric": "peak", "max": 9}]}`})
	for _, line := range []string{
		"run --budget FILE", "run --config FILE", "clock --budget FILE", "report FILE",
		"compare FILE result_a.json", "plan --from FILE --to new.txt", "plan --from old.txt --to new.txt --keys file:FILE",
		"replay --trace words --topology FILE", "replay --trace words --topology old.txt --churn FILE", "gen --keys file:FILE",
	} {
		for file, why := range map[string]string{"folder": "is a directory", "old.txt/x": "not a directory", "none": "no such file"} {
			code := 2
			if file == "none" {
				code = 5
			}
			_, stderr, got := ringbench(t, strings.Replace(line, "FILE", file, 1))
			first, _, _ := strings.Cut(stderr, "\n")
			if got != code || !strings.HasSuffix(first, ": "+why) || strings.Count(first, file) != 1 || strings.Contains(first, "open ") || strings.Contains(first, "read ") {
				t.Errorf("%s: exit %d, want %d; said %q, want the name once and %q", strings.Replace(line, "FILE", file, 1), got, code, first, why)
			}
		}
	}
}

func TestGenPacksByName(t *testing.T) {
	workFolder(t)
	if _, stderr, code := ringbench(t, "gen --keys accesslog:n=50 -o log.gz"); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	plain, _, _ := ringbench(t, "gen --keys accesslog:n=50")
	f, err := os.Open("log.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != plain {
		t.Errorf("log.gz unpacks to %q, %v; want what stdout gets", text, err)
	}
}

// A file that is being replaced must keep its old content when the new cannot
// be made.
func TestFailedGenKeepsTheOldFile(t *testing.T) {
	workFolder(t)
	writeFiles(t, map[string]string{"out.txt": "precious\n", "ends.csv": "a\n\"b\nc\"\n"})
	if _, _, code := ringbench(t, "gen --keys ends.csv --format csv:1 -o out.txt"); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
	if text, err := os.ReadFile("out.txt"); err != nil || string(text) != "precious\n" {
		t.Errorf("out.txt holds %q, %v; want its old content", text, err)
	}
}

// Ctrl-C while input hangs or a generator runs must end the command at once,
// with 130, and leave no file.
func TestInterruptLeavesNoFile(t *testing.T) {
	workFolder(t)
	before := folder(t)
	for _, line := range []string{
		"gen --keys - -o out.txt",
		"gen --keys seq:n=1e12 -o out.txt",
		"gen --keys accesslog:n=1e8 -o out.gz",
		"verify --write out.json --keys - --topology old.txt",
		"plan --from old.txt --to new.txt --keys -",
		"replay --trace - --topology old.txt",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		stdin, feed := io.Pipe()
		var stdout, stderr bytes.Buffer
		e := &env{stdin: stdin, stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now, args: strings.Fields(line)}
		code := make(chan int)
		go func() { code <- e.run(ctx) }()
		if strings.Contains(line, " - ") || strings.HasSuffix(line, " -") {
			if _, err := io.WriteString(feed, "some key\n"); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if got := <-code; got != 130 || stdout.Len() > 0 {
			t.Errorf("%s: exit %d with %q on stdout, want 130 and nothing", line, got, stdout.String())
		}
		if err := feed.Close(); err != nil {
			t.Fatal(err)
		}
		if after := folder(t); after != before {
			t.Errorf("%s: left %s, before %s", line, after, before)
		}
	}
}

// An error while writing the answer must not pass for success.
func TestWriteErrorsFail(t *testing.T) {
	workFolder(t)
	for _, line := range []string{
		"gen --keys seq:n=10", "gen --keys access", "plan --from old.txt --to new.txt", "plan --from old.txt --to new.txt --json",
		"replay --trace seq:n=10 --topology old.txt", "replay --trace seq:n=10 --topology old.txt --csv", "verify wrong.json",
	} {
		var stderr bytes.Buffer
		if code := run(strings.Fields(line), strings.NewReader(""), fullDisk{}, &stderr); code != 1 || !strings.Contains(stderr.String(), "no room") {
			t.Errorf("%s: exit %d, stderr %q; want 1 and the reason", line, code, stderr.String())
		}
	}
}

// A dash is stdin where it is read, and stdout where it is written; no file is
// called so.
func TestDashIsStdinOrStdout(t *testing.T) {
	workFolder(t)
	before := folder(t)
	if stdout, _ := expect(t, 0, "replay --trace seq:n=9 --topology - < old.txt"); !strings.Contains(stdout, "\nstdin (3 nodes") {
		t.Errorf("replay does not name stdin:\n%s", stdout)
	}
	if stdout, _ := expect(t, 0, "replay --trace seq:n=9 --topology - --json < old.txt"); !strings.Contains(stdout, `"topology": "stdin"`) {
		t.Errorf("replay --json does not name stdin:\n%s", stdout)
	}
	plain, _ := expect(t, 0, "report result_a.json --output md")
	if dash, _ := expect(t, 0, "report result_a.json --output md -o -"); dash != plain {
		t.Errorf("report -o - printed %.60q, want %.60q", dash, plain)
	}
	if stdout, _ := expect(t, 0, "gen --keys seq:n=2 -o -"); stdout != "key-0\nkey-1\n" {
		t.Errorf("gen -o - printed %q", stdout)
	}
	if after := folder(t); after != before {
		t.Errorf("left %s, before %s", after, before)
	}
}

// The README of the data says how many lines of the log are damaged.
func TestReadmeCountsTheDamagedLines(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("data", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	workFolder(t)
	_, stderr := expect(t, 0, "gen --keys access --format combined:path")
	_, rest, _ := strings.Cut(stderr, "skipped ")
	damaged, _, ok := strings.Cut(rest, " of 45000 lines")
	if !ok || !strings.Contains(string(readme), damaged+" damaged lines among its 45,000") {
		t.Errorf("stderr %q; the README does not say %q", stderr, damaged)
	}
}

// Nor may the first line be lost because the second found room.
func TestTheFirstWriteErrorCounts(t *testing.T) {
	workFolder(t)
	var stderr bytes.Buffer
	if code := run(strings.Fields("plan --from old.txt --to new.txt"), strings.NewReader(""), &fullOnce{}, &stderr); code != 1 {
		t.Errorf("exit %d, want 1", code)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no room") }

// A fullOnce has no room for the first write.
type fullOnce struct{ writes int }

func (f *fullOnce) Write(p []byte) (int, error) {
	if f.writes++; f.writes == 1 {
		return 0, errors.New("no room")
	}
	return len(p), nil
}

// An id or a key may hold anything; none of it may reach the terminal raw.
func TestHostileNamesAreQuoted(t *testing.T) {
	workFolder(t)
	const evil = "\x1b[2Jx"
	writeFiles(t, map[string]string{
		"evil.txt": "a\n" + evil + "\n", "keys.txt": strings.Repeat(evil+"\n", 3),
		"evil.ndjson": `{"at":1,"op":"add","id":"\u001b[2Jy"}
{"at":1e3,"op":"add","id":"\u001b[2Jz"}`,
	})
	for _, line := range []string{
		"plan --from old.txt --to evil.txt --keys keys.txt",
		"replay --trace keys.txt --topology evil.txt --churn evil.ndjson",
		"verify --write evil.json --keys keys.txt --topology evil.txt",
	} {
		stdout, stderr, code := ringbench(t, line)
		if code != 0 || strings.Contains(stdout+stderr, "\x1b") {
			t.Errorf("%s: exit %d, printed %q", line, code, stdout+stderr)
		}
	}
	golden, err := os.ReadFile("evil.json")
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, map[string]string{"evil.json": strings.Replace(string(golden), `"hash":"`, `"hash":"0`, 1)})
	if stdout, _, code := ringbench(t, "verify evil.json"); code != 1 || strings.Contains(stdout, "\x1b") {
		t.Errorf("verify: exit %d, printed %q", code, stdout)
	}
}

// The log that ships must come out of the command that its README names.
func TestReadmeCommandRemakesTheShippedLog(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("data", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, command, ok := strings.Cut(string(readme), "go run . ")
	if !ok {
		t.Fatal("data/README.md does not say how to make the log")
	}
	command, _, _ = strings.Cut(command, " -o ")
	made, _, code := ringbench(t, command)
	shipped, _, _ := ringbench(t, "gen --keys access")
	if code != 0 || made != shipped {
		t.Errorf("ringbench %s: exit %d, %d bytes; %d ship", command, code, len(made), len(shipped))
	}
}
