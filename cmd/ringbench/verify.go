package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/golden"
)

const verifyLong = `Verify checks that keys have the owners that a golden file says they had. A
golden file holds the nodes, the options and the fingerprint of a ring, and for
each key its hash and its owners: checking it needs nothing else. Run it after
an upgrade, or on another machine; it exits 1 and lists the first differences
if any key would go elsewhere.

`

const verifyExample = `  printf 'a\nb\nc 2\n' > nodes.txt
  ringbench verify --write golden.json --keys words --topology nodes.txt
  ringbench verify golden.json`

// A verifyCommand is the flags of verify.
type verifyCommand struct {
	file     string
	write    string
	topology string
	keys     keyFlags
	ring     ringFlags
	count    int
	replicas int
	top      int
	json     bool
}

func newVerifyCommand(e *env) *cobra.Command {
	v := &verifyCommand{}
	cmd := &cobra.Command{
		Use:     "verify GOLDEN | verify --write GOLDEN --keys SPEC --topology FILE",
		Short:   "same keys, same owners, across versions and machines",
		Long:    verifyLong + cli.ExitCodes,
		Example: verifyExample,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				v.file = args[0]
			}
			return e.verify(cmd.Context(), v)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&v.write, "write", "", "golden `file` to make")
	flags.StringVar(&v.topology, "topology", "", "with --write: topology `file`; see plan --help")
	v.keys.add(flags, "")
	v.ring.add(flags)
	flags.IntVar(&v.count, "count", 10_000, "with --write: how many distinct keys to take, evenly picked")
	flags.IntVar(&v.replicas, "rf", 3, "with --write: owners of a key to write down")
	flags.IntVar(&v.top, "top", 10, "how many differences to list")
	flags.BoolVar(&v.json, "json", false, "print JSON")
	return cmd
}

func (e *env) verify(ctx context.Context, v *verifyCommand) error {
	switch {
	case v.file != "" && v.write != "":
		return cli.Usagef("name a golden file to check, or --write one, not both")
	case v.file == "" && v.write == "":
		return cli.Usagef("no golden file; name one, or make one with --write")
	case v.top < 0:
		return cli.Usagef("--top %d: want 0 or more", v.top)
	case v.write != "":
		return e.writeGolden(ctx, v)
	}
	return e.checkGolden(ctx, v)
}

func (e *env) writeGolden(ctx context.Context, v *verifyCommand) error {
	switch {
	case v.topology == "" || v.keys.spec == "":
		return cli.Usagef("--write needs --keys and --topology")
	case v.count < 1:
		return cli.Usagef("--count %d: want 1 or more", v.count)
	case v.replicas < 1 || v.replicas > 1000:
		return cli.Usagef("--rf %d: want 1 to 1000", v.replicas)
	}
	if err := onceStdin(v.topology, v.keys.spec); err != nil {
		return err
	}
	_, ring, err := e.loadTopology(v.topology, v.ring)
	if err != nil {
		return err
	}
	set, err := e.loadKeys(ctx, v.keys)
	if err != nil {
		return err
	}
	file, err := golden.Make(ctx, ring.Snapshot(), set, v.count, v.replicas)
	if err != nil {
		return err
	}
	if err := cli.WriteFile(v.write, file.Write); err != nil {
		return err
	}
	if left := set.Distinct() - len(file.Keys); left > 0 {
		e.note("took %s, evenly picked, and left out %s; --count takes more", plural(len(file.Keys), "key"), group(left))
	}
	if v.json {
		return writeJSON(e.stdout, verifyJSON{Command: "verify", Version: 1, File: v.write, Written: true, Keys: len(file.Keys),
			Nodes: len(file.Nodes), Fingerprint: file.Fingerprint, Differences: []golden.Difference{}})
	}
	_, err = fmt.Fprintf(e.stdout, "%s: wrote the owners of %s on %s\n%s\n", v.write,
		plural(len(file.Keys), "key"), plural(len(file.Nodes), "node"), describeGolden(file))
	return err
}

func describeGolden(f *golden.File) string {
	return fmt.Sprintf("layout %s, %s, %s, fingerprint %s", f.Layout, plural(f.Points, "point"), plural(f.Probes, "probe"), f.Fingerprint)
}

type verifyJSON struct {
	Command     string              `json:"command"`
	Version     int                 `json:"version"`
	File        string              `json:"file"`
	Written     bool                `json:"written"`
	Keys        int                 `json:"keys"`
	Nodes       int                 `json:"nodes"`
	Fingerprint string              `json:"fingerprint"`
	Total       int                 `json:"differences_total"`
	Differences []golden.Difference `json:"differences"`
}

func (e *env) checkGolden(ctx context.Context, v *verifyCommand) error {
	if v.keys.spec != "" || v.topology != "" {
		return cli.Usagef("a golden file holds its keys and its nodes; drop --keys and --topology, or use --write")
	}
	in := e.stdin
	if v.file == "-" {
		v.file = "stdin"
	} else {
		f, err := os.Open(v.file)
		if err != nil {
			return unreadable(v.file, err)
		}
		defer f.Close()
		in = f
	}
	file, err := golden.Read(in)
	if err != nil {
		return cli.Usagef("%s: %w", v.file, plainCause(err))
	}
	first, total, err := file.Check(ctx, v.top)
	if err != nil && !errors.Is(err, context.Canceled) {
		return cli.Usagef("%s: %w", v.file, err)
	}
	if err != nil {
		return err
	}
	if err := e.printCheck(v, file, first, total); err != nil {
		return err
	}
	if total > 0 {
		return cli.Failedf("%s does not hold here: %s", v.file, plural(total, "difference"))
	}
	return nil
}

func (e *env) printCheck(v *verifyCommand, file *golden.File, first []golden.Difference, total int) error {
	if v.json {
		return writeJSON(e.stdout, verifyJSON{"verify", 1, v.file, false, len(file.Keys), len(file.Nodes), file.Fingerprint,
			total, append([]golden.Difference{}, first...)})
	}
	t := &printer{w: e.stdout}
	t.line("%s: %s on %s", v.file, plural(len(file.Keys), "key"), plural(len(file.Nodes), "node"))
	t.line("%s", describeGolden(file))
	for _, d := range first {
		what := d.What
		if d.What != "fingerprint" {
			what += " of " + keyText(d.Key)
		}
		t.line("  %s: want %s, got %s", what, d.Want, d.Got)
	}
	if total > len(first) {
		t.line("  ... and %s more", plural(total-len(first), "difference"))
	}
	if total == 0 {
		t.line("All keys have the owners that the file says.")
	}
	return t.err
}
