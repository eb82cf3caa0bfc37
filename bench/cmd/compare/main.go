// Command compare runs this project and its rivals side by side and says for each
// goal whether it is met. What goes from one process to another is served by a
// second process of this command, which ends with the first.
//
//	go -C bench run ./cmd/compare [flags]
//
//	-only NAMES  the groups to run, such as ring; all by default
//	-run REGEXP  only works whose name matches
//	-count N     rounds (default 5); lookups get three times as many
//	-quick       a minute and a half instead of fifteen: short samples, no
//	             10,000 nodes, one round between two processes
//	-json        write JSON instead of a table
//	-md FILE     also write the tables into a Markdown file, between markers
//	-list        list works and goals, measure nothing
//
// The table goes to standard output, progress to standard error. The exit status
// is 0 if every goal that was measured is met, 8 if one was missed, 2 on bad
// usage, 1 if something else failed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/clusterluck/clusterluck/bench/internal/clock"
	"github.com/clusterluck/clusterluck/bench/internal/flood"
	"github.com/clusterluck/clusterluck/bench/internal/pair"
	"github.com/clusterluck/clusterluck/bench/internal/report"
	"github.com/clusterluck/clusterluck/bench/internal/ring"
	"github.com/clusterluck/clusterluck/bench/internal/transport"
)

const (
	exitFailed = 1
	exitUsage  = 2
	exitMissed = 8
)

func main() {
	if serve := server(os.Args[1:]); serve != nil {
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
			os.Exit(exitFailed)
		}
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// server returns what a process does that this command starts beside itself to
// measure what goes from one process to another, nil for any other command line.
// It ends with its standard input.
func server(args []string) func(io.Reader, io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == pair.Flag:
		return func(in io.Reader, out io.Writer) error { return pair.Serve(args[1], in, out) }
	case len(args) == 1 && args[0] == flood.Flag:
		return flood.Serve
	}
	return nil
}

// groups is the table of what can be compared. Register a group by adding its
// line; a group without works is one whose goals are not written yet.
func groups() []report.Group {
	none := func(report.Env) []report.Work { return nil }
	return []report.Group{
		ring.Group(),
		clock.Group(),
		transport.Group(),
		{Name: "membership", Works: none},
	}
}

// config is the command line.
type config struct {
	groups      []report.Group
	match       *regexp.Regexp
	count       int
	quick, json bool
	list        bool
	md          string
	args        []string
}

func run(args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "compare:", err)
		return exitUsage
	}
	if c.list {
		list(c, stdout)
		return 0
	}
	r, err := c.compare(stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "compare:", err)
		return exitFailed
	case r.Missed() > 0:
		fmt.Fprintf(stderr, "compare: %d goals missed\n", r.Missed())
		return exitMissed
	}
	return 0
}

func parse(args []string, stderr io.Writer) (c config, err error) {
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	only := f.String("only", "", "groups to run, separated by commas: "+strings.Join(names(groups()), ", "))
	match := f.String("run", "", "only works whose name matches this regular expression")
	f.IntVar(&c.count, "count", 5, "rounds; lookups get three times as many")
	f.BoolVar(&c.quick, "quick", false, "short samples, no 10,000 nodes, one round between two processes")
	f.BoolVar(&c.json, "json", false, "write JSON instead of a table")
	f.BoolVar(&c.list, "list", false, "list works and goals, measure nothing")
	f.StringVar(&c.md, "md", "", "also write the tables into this Markdown file, between markers")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return c, err
		}
		return c, fmt.Errorf("flags: %w", err)
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case c.count < 1 || c.count > 1000:
		return c, fmt.Errorf("-count %d: want 1 to 1000", c.count)
	case c.md != "" && (*match != "" || c.quick):
		return c, errors.New("-md wants the whole measurement: leave out -run and -quick")
	}
	if c.match, err = regexp.Compile(*match); err != nil {
		return c, fmt.Errorf("-run: %w", err)
	}
	c.args = args
	c.groups, err = choose(*only)
	return c, err
}

// choose returns the groups of a list of names, all if it is empty.
func choose(only string) ([]report.Group, error) {
	all := groups()
	if only == "" {
		return all, nil
	}
	var out []report.Group
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(g report.Group) bool { return g.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only %q: no such group: want some of %s", name, strings.Join(names(all), ", "))
		}
		out = append(out, all[i])
	}
	return out, nil
}

func names(gs []report.Group) []string {
	out := make([]string, len(gs))
	for i, g := range gs {
		out[i] = g.Name
	}
	return out
}

func list(c config, w io.Writer) {
	for _, g := range c.groups {
		works := g.Works(report.Env{Quick: c.quick})
		if len(works) == 0 {
			fmt.Fprintf(w, "%s: no goals yet\n", g.Name)
		}
		for _, work := range works {
			fmt.Fprintf(w, "%s: %s: %s\n", g.Name, work.Name, strings.Join(work.Goals, "; "))
		}
	}
}

// compare runs the works and writes what they found.
func (c config) compare(stdout, stderr io.Writer) (report.Report, error) {
	r := report.Report{
		Command: strings.Join(append([]string{"go -C bench run ./cmd/compare"}, c.args...), " "),
		Count:   c.count, Quick: c.quick, Machine: report.ThisMachine(), Caveats: make(map[string]string),
	}
	if _, err := readDoc(c.md); err != nil {
		return r, err
	}
	start := time.Now()
	logf := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%5.0fs %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	for _, g := range c.groups {
		rows, err := c.measure(g, logf)
		if err != nil {
			return r, err
		}
		r.Rows = append(r.Rows, rows...)
		r.Caveats[g.Name] = g.Caveats
	}
	logf("done")
	r.Machine.LoadAfter = report.Load()
	return r, c.write(r, stdout)
}

// measure runs the works of a group that the command line asks for.
func (c config) measure(g report.Group, logf func(string, ...any)) ([]report.Row, error) {
	works := g.Works(report.Env{Count: c.count, Quick: c.quick, Logf: logf})
	if len(works) == 0 {
		logf("%s: no goals yet", g.Name)
	}
	if g.Done != nil {
		defer g.Done()
	}
	var all []report.Row
	for _, w := range works {
		if !c.match.MatchString(w.Name) {
			continue
		}
		logf("%s: %s", g.Name, w.Name)
		rows, err := w.Run()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.Name, w.Name, err)
		}
		for i := range rows {
			rows[i].Group = g.Name
		}
		all = append(all, rows...)
	}
	return all, nil
}

// readDoc returns the document that is to hold the tables. It is read before
// anything is measured, so that a bad path costs no minutes, and again
// afterwards, so that what was edited meanwhile stays. A file that does not
// exist is made.
func readDoc(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", fmt.Errorf("-md: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return "", fmt.Errorf("-md: %w", err)
	}
	return string(data), nil
}

func (c config) write(r report.Report, stdout io.Writer) error {
	if c.md != "" {
		doc, err := readDoc(c.md)
		if err != nil {
			return err
		}
		if doc, err = r.Splice(doc); err != nil {
			return fmt.Errorf("-md: %s: %w", c.md, err)
		}
		if err := os.WriteFile(c.md, []byte(doc), 0o644); err != nil {
			return fmt.Errorf("-md: %w", err)
		}
	}
	if c.json {
		return r.JSON(stdout)
	}
	return r.Text(stdout)
}
