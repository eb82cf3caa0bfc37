package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/pflag"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/topology"
	"github.com/clusterluck/clusterluck/hashring"
)

// keyFlags say which keys a command works on.
type keyFlags struct {
	spec   string
	format string
	time   string
	seed   uint64
}

// add defines --keys, --format, --time-field and --seed.
func (k *keyFlags) add(flags *pflag.FlagSet, spec string) {
	flags.StringVar(&k.spec, "keys", spec, "where keys come from: "+keys.Sources+"; gen --help explains them")
	flags.StringVar(&k.format, "format", "", "how a text holds keys: "+keys.Formats+"; auto finds out")
	flags.StringVar(&k.time, "time-field", "", "the JSON `field` or CSV column that holds a record's time")
	flags.Uint64Var(&k.seed, "seed", 1, "seed of generated keys")
}

// keySource parses the flags without reading anything. A format that is meant
// for all commands is dropped if these keys have none.
func (e *env) keySource(k *keyFlags) (*keys.Source, error) {
	source, err := k.source()
	if err == nil || k.format == "" || !e.generic["format"] {
		return source, err
	}
	plain := *k
	plain.format = ""
	if source, plainErr := plain.source(); plainErr == nil {
		*k = plain
		return source, nil
	}
	return nil, err
}

// source parses the flags.
func (k *keyFlags) source() (*keys.Source, error) {
	format, err := keys.ParseFormat(k.format, k.time)
	if err != nil {
		return nil, inputError(k.spec, err)
	}
	source, err := keys.Parse(k.spec, format)
	if err != nil {
		return nil, inputError(k.spec, err)
	}
	return source, nil
}

// loadKeys reads the keys and says on stderr what was skipped.
func (e *env) loadKeys(ctx context.Context, k keyFlags) (*keys.Set, error) {
	source, err := e.keySource(&k)
	if err != nil {
		return nil, err
	}
	progress := e.progress("keys", source.Size())
	defer progress.Done()
	set, err := source.Load(ctx, keys.Config{Seed: k.seed, Stdin: e.stdin, Progress: progress.Add})
	if err != nil {
		return nil, inputError(source.Name(), err)
	}
	progress.Done()
	e.explainRead(source, k.format, set.Skips())
	return set, nil
}

// explainRead says on stderr what was skipped, and in which format a file was
// read if the user named none.
func (e *env) explainRead(source *keys.Source, format string, skips keys.Skips) {
	skips.Explain(e.stderr, "ringbench: ", source.Name())
	if format == "" && source.File() && source.Format() == "combined:path" {
		e.note("%s looks like an access log: taking request paths; --format lines takes whole lines", source.Name())
	}
}

// ringFlags override what topologies leave open.
type ringFlags struct {
	layout string
	points int
	probes int
}

// add defines --layout, --points and --probes.
func (r *ringFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&r.layout, "layout", "", "layout of a topology that does not state it: v1 or clusterluck (default v1)")
	flags.IntVar(&r.points, "points", 0, "points per unit of weight of a topology that does not state them (default 160)")
	flags.IntVar(&r.probes, "probes", 0, "probes of a lookup of a topology that does not state them (default 1)")
}

// loadTopology reads a topology, says on stderr what it had to assume, and
// builds its ring.
func (e *env) loadTopology(path string, r ringFlags) (*topology.Topology, *hashring.Ring, error) {
	t, err := topology.Load(path, e.stdin)
	if err != nil {
		return nil, nil, inputError(path, err)
	}
	var layout *hashring.Layout
	if r.layout != "" {
		parsed, err := hashring.ParseLayout(r.layout)
		if err != nil {
			return nil, nil, cli.Usagef("--layout: %w", err)
		}
		layout = &parsed
	}
	if err := t.Override(layout, r.points, r.probes); err != nil {
		return nil, nil, inputError(path, err)
	}
	ring, err := t.Ring()
	if err != nil {
		return nil, nil, inputError(path, err)
	}
	for _, note := range t.Notes {
		e.note("%s: %s", t.Name, note)
	}
	return t, ring, nil
}

// onceStdin refuses to read standard input for two things at once.
func onceStdin(inputs ...string) error {
	n := 0
	for _, in := range inputs {
		if in == "-" || in == "file:-" {
			n++
		}
	}
	if n > 1 {
		return cli.Usagef("stdin can be read once; give the others as files")
	}
	return nil
}

// inputError gives an error of an input its exit code: 2 for input that cannot
// be used, 5 for a file that is not there.
func inputError(name string, err error) error {
	var spec *keys.SpecError
	var input *keys.InputError
	var bad *topology.Error
	var file *fs.PathError
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &spec), errors.As(err, &input), errors.As(err, &bad):
		return cli.Usagef("%w", err)
	case errors.As(err, &file):
		return unreadable(name, err)
	default:
		return cli.Failedf("%w", err)
	}
}
