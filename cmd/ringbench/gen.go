package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

const genLong = `Gen writes keys, one a line: those of a generator, or those that a format finds
in a text. The same spec and seed give the same keys. Without --format, words,
access and accesslog are written as the texts they are.

A file is written whole or not at all; a name that ends in .gz is packed.

Sources of keys, for all commands; sizes may be 1000, 1e6, 10k or 2^20:
  file:PATH                     a text, gzip or not; - is stdin; a name with a
                                dot or a slash needs no file:
  words                         104,334 English words
  access                        an access log of 45,000 lines
  uniform:n=,len=               random keys of len letters
  seq:n=,prefix=                prefix0, prefix1, ...
  uuid:n=                       random UUIDs
  zipf:n=,s=,distinct=          popularity 1/rank^s, any s > 0
  hotspot:n=,hot=,share=,distinct=
                                hot keys take a share of all
  accesslog:n=                  an access log of n lines

Formats of a text:
  lines                         a key a line
  combined:path                 an access log; or uri, host, user, agent
  json:.user.id                 a field of JSON, an object a line
  csv:name or csv:2             a column by name, with a header, or by number
Without a format, an access log is recognized, anything else is lines.

`

const genExample = `  ringbench gen --keys zipf:n=1e6,s=0.99 | sort | uniq -c | sort -rn | head
  ringbench gen --keys uuid:n=1k --seed 7 -o uuids.txt
  ringbench gen --keys access --format combined:host
  ringbench gen --keys accesslog:n=1e6 -o access.log.gz`

// A genCommand is the flags of gen.
type genCommand struct {
	keys keyFlags
	out  string
}

func newGenCommand(e *env) *cobra.Command {
	g := &genCommand{}
	cmd := &cobra.Command{
		Use:     "gen --keys SPEC",
		Short:   "write keys, one a line",
		Long:    genLong + cli.ExitCodes,
		Example: genExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.gen(cmd.Context(), g) },
	}
	g.keys.add(cmd.Flags(), "")
	cmd.Flags().StringVarP(&g.out, "out", "o", "", "`file` to write; stdout by default, or if it is -")
	annotate(cmd, annotateOwn, "yes", "out")
	markRequired(cmd, "keys")
	return cmd
}

func (e *env) gen(ctx context.Context, g *genCommand) error {
	source, err := e.keySource(&g.keys)
	if err != nil {
		return err
	}
	if g.out == "-" {
		g.out = ""
	}
	w := &genWriter{env: e, flags: g.keys, source: source, toTerminal: g.out == "" && cli.IsTerminal(e.stdout)}
	if g.out == "" {
		b := bufio.NewWriterSize(e.stdout, 1<<16)
		if err := w.write(ctx, b); err != nil {
			return err
		}
		return b.Flush()
	}
	var input *cli.ExitError
	err = cli.WriteFile(g.out, func(out io.Writer) error {
		err := w.packed(ctx, out, strings.HasSuffix(g.out, ".gz"))
		errors.As(err, &input)
		return err
	})
	if input != nil {
		return input // its message names the input, which is to blame
	}
	return err
}

// A genWriter writes the keys of a source.
type genWriter struct {
	env    *env
	flags  keyFlags
	source *keys.Source

	toTerminal bool
}

// packed writes the keys, as gzip data if pack is set.
func (g *genWriter) packed(ctx context.Context, w io.Writer, pack bool) error {
	if !pack {
		return g.write(ctx, w)
	}
	z := gzip.NewWriter(w)
	if err := g.write(ctx, z); err != nil {
		return err
	}
	return z.Close()
}

func (g *genWriter) write(ctx context.Context, w io.Writer) error {
	progress := g.env.progress("keys", g.source.Size())
	if g.toTerminal {
		progress.Done() // a bar would stand between the keys
	}
	defer progress.Done()
	config := keys.Config{Seed: g.flags.seed, Stdin: g.env.stdin, Progress: progress.Add}
	if g.flags.format == "" && g.source.Text() {
		return inputError(g.source.Name(), g.source.WriteText(ctx, config, w))
	}
	var line []byte
	var broken int64
	skips, err := g.source.Each(ctx, config, func(r keys.Record) error {
		if bytes.ContainsAny(r.Key, "\r\n") {
			broken++
			return nil
		}
		line = append(append(line[:0], r.Key...), '\n')
		_, err := w.Write(line)
		return err
	})
	if err != nil {
		return inputError(g.source.Name(), err)
	}
	progress.Done()
	g.env.explainRead(g.source, g.flags.format, skips)
	if broken > 0 {
		return cli.Failedf("%s: %s hold a line end and cannot be written one a line", g.source.Name(), plural(int(broken), "key"))
	}
	return nil
}
