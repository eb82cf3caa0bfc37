package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
)

// interruptMax is how long a command may take to end after Ctrl-C. A command
// stuck in a read that nothing can interrupt is left behind after that.
const interruptMax = 300 * time.Millisecond

// An env is what a command may touch of the world outside.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	color      string // --color: auto, always or never
	configPath string // --config
	args       []string
	started    bool            // flags and arguments were accepted
	generic    map[string]bool // flags that a value for all commands has set
}

// run is the whole command. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, now: time.Now, args: args}
	return e.run(ctx)
}

// run executes the command line and prints the error, if any, on stderr.
func (e *env) run(ctx context.Context) int {
	root := newRoot(e)
	root.SetArgs(e.args)
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	checkCompletion(root) // last: cobra remembers where it will write

	type outcome struct {
		cmd *cobra.Command
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		cmd, err := root.ExecuteContextC(ctx)
		done <- outcome{cmd, err}
	}()

	var out outcome
	select {
	case out = <-done:
	case <-ctx.Done():
		select {
		case out = <-done:
		case <-time.After(interruptMax):
			out = outcome{root, ctx.Err()}
		}
	}
	return e.finish(ctx, out.cmd, out.err)
}

// finish turns the error of a command into its message and exit code.
func (e *env) finish(ctx context.Context, cmd *cobra.Command, err error) int {
	if err == nil {
		return cli.ExitOK
	}
	if ctx.Err() != nil {
		fmt.Fprintln(e.stderr, "ringbench: interrupted")
		return cli.ExitInterrupted
	}
	if !e.started && cli.Code(err) == cli.ExitFailed {
		err = cli.Usagef("%w", err)
	}
	fmt.Fprintf(e.stderr, "ringbench: %s\n", strings.TrimSpace(err.Error()))
	code := cli.Code(err)
	if code == cli.ExitUsage {
		fmt.Fprintf(e.stderr, "ringbench: see %s --help\n", cmd.CommandPath())
	}
	return code
}

// note writes a remark for a person on stderr, where no program reads it.
func (e *env) note(format string, args ...any) {
	fmt.Fprintf(e.stderr, "ringbench: "+format+"\n", args...)
}

// progress returns a progress on stderr. It draws nothing unless stderr is a
// terminal and colour is on.
func (e *env) progress(what string, total int64) *cli.Progress {
	if !cli.Color(e.stderr, e.color, e.getenv) {
		return cli.NewProgress(nil, what, total)
	}
	return cli.NewProgress(e.stderr, what, total)
}

const rootLong = `ringbench tells which placement of keys on nodes to use, with how many points,
and what will move, measured on your own keys. It measures vector clocks as well.

Flags may also be set by the environment and by a JSON config file, for one
command or for all. The first of these counts: the command line,
RINGBENCH_<COMMAND>_<FLAG> with "_" for "-", the section of the command in the
file, RINGBENCH_<FLAG>, the top of the file: {"seed": 7, "run": {"nodes": [10]}}.
A value for all commands is left out where a command cannot use it. Files to
write, verify --count, and --only and --budget of clock are never set for all. The
file is named by --config or RINGBENCH_CONFIG, else it is ringbench/config.json in
the user's config directory.

`

const rootExample = `  ringbench run
  ringbench run --algo ring,jump,maglev --nodes 10,100 --keys zipf:n=1e5,s=0.99
  ringbench run -o results.json && ringbench report results.json -o report.html
  ringbench tune --nodes 12 --peak 1.05`

// newRoot returns the command tree. A tree serves one command line.
func newRoot(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:               "ringbench",
		Short:             "measure placements of keys on nodes, and vector clocks",
		Long:              rootLong + cli.ExitCodes,
		Example:           rootExample,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return e.accept(cmd) },
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args:              cobra.NoArgs,
	}
	root.SetVersionTemplate("ringbench {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.StringVar(&e.color, "color", "auto", "colour and progress: auto, always or never")
	flags.StringVar(&e.configPath, "config", "", "config `file` (JSON)")

	checkChoice(flags, "color", "auto", "always", "never")

	verify, compare := newVerifyCommand(e), newCompareCommand(e)
	addOutput(verify, "json")
	annotate(verify, annotateOwn, "yes", "write", "count")
	annotate(verify, annotateWith, "write",
		"topology", "keys", "format", "time-field", "seed", "layout", "points", "probes", "count", "rf")
	checkChoice(compare.Flags(), "output", "table", "json", "csv", "md")
	root.AddCommand(
		newRunCommand(e), newClockCommand(e), compare, newTuneCommand(e), newPlanCommand(e), newReplayCommand(e),
		newGenCommand(e), newReportCommand(e),
		verify, newListCommand(e), newVersionCommand(e),
	)
	for _, cmd := range root.Commands() {
		plainValues(cmd.Flags())
	}
	return root
}

// accept fills the flags from the environment and the config file and checks
// what cobra would check only later, so that all of it exits 2.
func (e *env) accept(cmd *cobra.Command) error {
	if err := needless(cmd); err != nil {
		return err
	}
	if err := e.configure(cmd); err != nil {
		return err
	}
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return cli.Usagef("%w", err)
	}
	if err := cmd.ValidateFlagGroups(); err != nil {
		return cli.Usagef("%w", err)
	}
	e.started = true
	return nil
}

// checkCompletion makes a shell that cobra does not know an error.
func checkCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd("completion")
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return cli.Usagef("no completions for %q; use bash, zsh, fish or powershell", args[0])
		}
	}
}

// needless refuses a flag of the command line that would do nothing.
func needless(cmd *cobra.Command) error {
	var bad error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		for _, with := range f.Annotations[annotateWith] {
			if bad == nil && f.Changed && !cmd.Flags().Changed(with) {
				bad = cli.Usagef("--%s goes with --%s: add that, or drop --%s", f.Name, with, f.Name)
			}
		}
	})
	return bad
}

func newVersionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version, the Go version and the platform",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(e.stdout, "ringbench %s\n", version())
			return err
		},
	}
}

// version names the build: module version, commit if known, Go, platform.
func version() string {
	v, commit := "(devel)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			v = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s%s %s %s/%s", v, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
