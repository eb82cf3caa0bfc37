// Command aatest repeats the experiment that ringbench compare has to pass on
// the machine it is used on: it runs the same code twice and once with lookups
// that do a tenth more work, in turn, twenty times over. Of the twenty pairs of
// equal code at most one may show any row other than "~", and the slower code
// must be shown as slower in all twenty: most of its lookup rows, none of them as
// faster. How often each setting was shown is printed below, since most rows can
// hide that one setting never is. A round of which compare says itself that the
// machine was too busy to judge most lookup rows is measured again, and is
// counted: it says nothing of whether compare is to be believed when it judges.
//
//	go run ./internal/aatest                     # builds ringbench; about 25 minutes, more on a busy machine
//	go run ./internal/aatest -keep results       # keeps the results
//	go run ./internal/aatest -from results       # judges kept results again
//	go run ./internal/aatest -pairs 3 -- --algo ring --nodes 10,100
//
// What follows -- goes to ringbench run. The command exits 0 if both hold, 8 if
// not, 1 if it could not find out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/compare"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// An experiment is what the flags ask for.
type experiment struct {
	pairs    int
	slowdown float64
	keep     string
	from     string
	args     []string // of ringbench run
	stdout   io.Writer
	stderr   io.Writer
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	x := &experiment{stdout: stdout, stderr: stderr}
	flags := flag.NewFlagSet("aatest", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&x.pairs, "pairs", 20, "pairs of equal code, and runs of slower code")
	flags.Float64Var(&x.slowdown, "slowdown", 1.10, "how much more the slower code does")
	flags.StringVar(&x.keep, "keep", "", "folder to keep the results in")
	flags.StringVar(&x.from, "from", "", "folder of kept results to judge, without a run")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	x.args = flags.Args()
	held, err := x.run(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "aatest: %v\n", err)
		return 1
	case !held:
		return 8
	default:
		return 0
	}
}

// run makes or reads the results of every round and judges them.
func (x *experiment) run(ctx context.Context) (held bool, err error) {
	dir, command := x.from, ""
	if x.from == "" {
		temp, err := os.MkdirTemp("", "aatest-")
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
		if dir = x.keep; dir == "" {
			dir = temp
		} else if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, err
		}
		command = filepath.Join(temp, "ringbench")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", command,
			"github.com/clusterluck/clusterluck/cmd/ringbench").CombinedOutput(); err != nil {
			return false, fmt.Errorf("build ringbench: %w\n%s", err, out)
		}
	}
	t := &tally{}
	for i := 1; i <= x.pairs; i++ {
		for try := 1; ; try++ {
			r, err := x.round(ctx, command, dir, i)
			if err != nil {
				return false, err
			}
			if r.busy() && command != "" && try < tries {
				t.repeated++
				fmt.Fprintf(x.stdout, "%2d  the machine was too busy to judge most lookup rows: measured again\n", i)
				continue
			}
			x.judge(t, i, r)
			break
		}
	}
	return x.report(t), nil
}

// tries is how often a round is measured at most.
const tries = 3

// A round is a comparison of equal code, and one with slower code.
type round struct{ same, slow *compare.Result }

// round measures a round, or reads one that was kept.
func (x *experiment) round(ctx context.Context, command, dir string, i int) (r round, err error) {
	var files [3]*result.File
	for k, name := range []string{"a", "b", "s"} {
		path := filepath.Join(dir, name+strconv.Itoa(i)+".json")
		if command != "" {
			slowdown := 1.0
			if name == "s" {
				slowdown = x.slowdown
			}
			args := append([]string{"run", "--time", "700ms", "--patience", "1m", "--slowdown", fmt.Sprint(slowdown), "-o", path}, x.args...)
			if out, err := exec.CommandContext(ctx, command, args...).CombinedOutput(); err != nil {
				return r, fmt.Errorf("ringbench %s: %w\n%s", strings.Join(args, " "), err, out)
			}
		}
		if files[k], err = result.Load(path); err != nil {
			return r, err
		}
	}
	if r.same, err = compare.Files(files[0], files[1]); err != nil {
		return r, err
	}
	r.slow, err = compare.Files(files[1], files[2])
	return r, err
}

// busy reports whether most lookup rows of either comparison are not judged.
func (r *round) busy() bool {
	for _, c := range []*compare.Result{r.same, r.slow} {
		rows, blind := 0, 0
		for i := range c.Rows {
			if row := &c.Rows[i]; lookup(row) {
				rows++
				if row.Why != "" {
					blind++
				}
			}
		}
		if 2*blind > rows {
			return true
		}
	}
	return false
}

// lookup reports whether a row is the time of a lookup.
func lookup(r *compare.Row) bool {
	return !r.Exact && (r.Metric == "lookup" || strings.HasPrefix(r.Metric, "top"))
}

// A tally counts outcomes over all rounds.
type tally struct {
	rounds    int
	falseOnes int // pairs of equal code with any row other than "~"
	shown     int // runs of slower code that were shown
	slowRows  int
	slowShown int
	blind     int // times that could not be judged
	repeated  int // rounds that were measured again
	settings  []*setting
}

// A setting is what became of one lookup row of the slower code over all rounds.
type setting struct {
	name        string
	rows, shown int
	least, most float64 // what a difference had to exceed
}

// note counts a row of the slower code.
func (t *tally) note(r *compare.Row) {
	name := r.Config + " " + r.Metric
	i := slices.IndexFunc(t.settings, func(s *setting) bool { return s.name == name })
	if i < 0 {
		i = len(t.settings)
		t.settings = append(t.settings, &setting{name: name, least: r.Limit, most: r.Limit})
	}
	s := t.settings[i]
	s.rows++
	if r.Verdict == compare.Worse {
		s.shown++
	}
	s.least, s.most = min(s.least, r.Limit), max(s.most, r.Limit)
}

// judge counts a round and prints a line.
func (x *experiment) judge(t *tally, i int, r round) {
	same, slow := r.same, r.slow
	t.rounds++
	_, blind := same.Times()
	t.blind += blind
	var differ []string
	for _, r := range same.Rows {
		if r.Verdict != compare.Same {
			differ = append(differ, fmt.Sprintf("%s %s %+.1f %% (p %.2g, limit %.1f %%)", r.Config, r.Metric, 100*r.Delta, r.Holm, 100*r.Limit))
		}
	}
	if len(differ) > 0 {
		t.falseOnes++
	}
	rows, worse, better := 0, 0, 0
	var missed []string
	for _, r := range slow.Rows {
		if !lookup(&r) {
			continue
		}
		rows++
		t.note(&r)
		switch r.Verdict {
		case compare.Worse:
			worse++
		case compare.Better:
			better++
		default:
			missed = append(missed, fmt.Sprintf("%s %s %+.1f %% (limit %.1f %%)", r.Config, r.Metric, 100*r.Delta, 100*r.Limit))
		}
	}
	t.slowRows += rows
	t.slowShown += worse
	if 2*worse > rows && better == 0 {
		t.shown++
	}
	fmt.Fprintf(x.stdout, "%2d  equal code: %d of %d rows differ; slower code: %d of %d lookup rows worse\n",
		i, len(differ), len(same.Rows), worse, rows)
	for _, line := range differ {
		fmt.Fprintf(x.stdout, "      differs: %s\n", line)
	}
	for _, line := range missed {
		fmt.Fprintf(x.stdout, "      missed:  %s\n", line)
	}
}

// report prints the outcome and reports whether both claims hold.
func (x *experiment) report(t *tally) bool {
	most := t.rounds / 20 // one in twenty
	fmt.Fprintf(x.stdout, "\nequal code:  %d of %d pairs show a row other than ~ (at most %d)\n", t.falseOnes, t.rounds, most)
	fmt.Fprintf(x.stdout, "slower code: shown in %d of %d (a round counts if most lookup rows are worse and none better); %d of %d rows\n",
		t.shown, t.rounds, t.slowShown, t.slowRows)
	for _, s := range t.settings {
		fmt.Fprintf(x.stdout, "  %-46s shown in %2d of %2d; its limit was %.1f to %.1f %%\n",
			s.name, s.shown, s.rows, 100*math.Expm1(s.least), 100*math.Expm1(s.most))
	}
	fmt.Fprintf(x.stdout, "times of equal code that could not be judged, mostly because the machine was busy: %d\n", t.blind)
	fmt.Fprintf(x.stdout, "rounds that were measured again, because that was so of most lookup rows: %d\n", t.repeated)
	return t.falseOnes <= most && t.shown == t.rounds
}
