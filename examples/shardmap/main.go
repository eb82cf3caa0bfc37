// Command shardmap places the keys of a file on nodes, takes one node out, and
// prints which keys move. It shows what a hash ring is for: the keys that move
// are those of the node that left, and each moves to the node that held its
// first copy.
//
//	go run ./examples/shardmap -leave fra-1 examples/shardmap/keys.txt
package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/clusterluck/clusterluck/hashring"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program. It returns the exit code: 0, 1 for a failure, or 2 for
// wrong arguments.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("shardmap", flag.ContinueOnError)
	flags.SetOutput(stderr)
	nodes := flags.String("nodes", "ams-1,ams-2,fra-1,fra-2", "the nodes, separated by commas")
	leave := flags.String("leave", "", "the node that leaves")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: shardmap [-nodes a,b,c] -leave a FILE    FILE has a key a line; - is standard input")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() != 1 || *leave == "" {
		flags.Usage()
		return 2
	}
	keys, err := readKeys(flags.Arg(0), stdin)
	if err == nil {
		err = report(stdout, keys, strings.Split(*nodes, ","), *leave)
	}
	if err != nil {
		fmt.Fprintf(stderr, "shardmap: %v\n", err)
		return 1
	}
	return 0
}

// readKeys returns the lines of a file.
func readKeys(name string, stdin io.Reader) ([]string, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	var keys []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if key := strings.TrimSpace(lines.Text()); key != "" {
			keys = append(keys, key)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: no keys", name)
	}
	return keys, nil
}

// report places the keys, takes a node out and prints what changed.
func report(out io.Writer, keys, nodes []string, leave string) error {
	ring := new(hashring.Ring)
	for _, id := range nodes {
		if err := ring.Add(hashring.Node{ID: id}); err != nil {
			return err
		}
	}
	before := ring.Snapshot()
	if !ring.Remove(leave) {
		return fmt.Errorf("node %q is not among %s", leave, strings.Join(nodes, ", "))
	}
	if ring.Len() == 0 {
		return fmt.Errorf("node %q is the only one: no node would be left", leave)
	}
	after := ring.Snapshot()

	perNode := make(map[string]int)
	flows := make(map[[2]string]int)
	moved, others, toCopy := 0, 0, 0
	copies := make([]string, 0, 2)
	for _, key := range keys {
		copies = before.AppendOwners(copies[:0], key, 2)
		perNode[copies[0]]++
		if owner, _ := after.Owner(key); owner != copies[0] {
			moved++
			flows[[2]string{copies[0], owner}]++
			if copies[0] != leave {
				others++
			}
			if owner == copies[1] {
				toCopy++
			}
		}
	}
	delta, err := hashring.Diff(before, after)
	if err != nil {
		return err
	}

	fmt.Fprintf(out, "%d keys on %d nodes\n", len(keys), len(nodes))
	for _, share := range before.Ownership() {
		fmt.Fprintf(out, "  %-8s %4d keys, %4.1f %%; of all keys there are, %4.1f %%\n",
			share.ID, perNode[share.ID], percent(perNode[share.ID], len(keys)), 100*share.Fraction)
	}
	fmt.Fprintf(out, "%s leaves\n", leave)
	byCount := func(a, b [2]string) int { return cmp.Or(flows[b]-flows[a], slices.Compare(a[:], b[:])) }
	for _, flow := range slices.SortedFunc(maps.Keys(flows), byCount) {
		fmt.Fprintf(out, "  %s -> %s %4d keys\n", flow[0], flow[1], flows[flow])
	}
	fmt.Fprintf(out, "%d keys move, %.1f %%; of all keys there are, %.1f %%\n", moved, percent(moved, len(keys)), 100*delta.Moved)
	fmt.Fprintf(out, "%d of them went to the node that had come second for them, %d were not %s's\n", toCopy, others, leave)
	return nil
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
