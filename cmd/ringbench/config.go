package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
)

// configMax bounds the config file: it holds a few flags, not data.
const configMax = 1 << 20

// configure sets every flag of cmd that the command line did not set. What is
// meant for this command comes first: RINGBENCH_<COMMAND>_<FLAG>, else the
// section of the config file named after it. Then what is meant for all:
// RINGBENCH_<FLAG>, else the top of the file.
func (e *env) configure(cmd *cobra.Command) error {
	file, path, err := e.readConfig(cmd)
	if err != nil {
		return err
	}
	if err := file.check(cmd.Root(), path); err != nil {
		return err
	}
	flags := configurableFlags(cmd)
	for _, f := range flags {
		if err := e.setOwn(cmd, f, file, path); err != nil {
			return err
		}
	}
	e.generic = make(map[string]bool)
	for _, f := range flags {
		if err := e.setGeneric(cmd, f, file, path); err != nil {
			return err
		}
	}
	return nil
}

// configurableFlags returns the flags of cmd, those last that go with another.
func configurableFlags(cmd *cobra.Command) []*pflag.Flag {
	var first, last []*pflag.Flag
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case !configurable(f.Name):
		case f.Annotations[annotateWith] != nil:
			last = append(last, f)
		default:
			first = append(first, f)
		}
	})
	return append(first, last...)
}

// idle reports whether a flag needs no value from outside the command line: it
// has one, or it goes with a flag that is not there, or another was given in
// its place.
func idle(cmd *cobra.Command, f *pflag.Flag) bool {
	changed := func(name string) bool { return cmd.Flags().Changed(name) }
	with := f.Annotations[annotateWith]
	return f.Changed || slices.ContainsFunc(f.Annotations[annotateInstead], changed) ||
		(with != nil && !slices.ContainsFunc(with, changed))
}

// setOwn sets a flag to what is meant for it in this command.
func (e *env) setOwn(cmd *cobra.Command, f *pflag.Flag, file config, path string) error {
	if idle(cmd, f) {
		return nil
	}
	name := envName(cmd.Name() + "_" + f.Name)
	if value := e.getenv(name); value != "" {
		return setFlag(cmd, f, value, name)
	}
	if value, ok := file.own(cmd.Name(), f.Name); ok {
		return setFlag(cmd, f, value, path)
	}
	return nil
}

// setGeneric sets a flag to what is meant for all commands. What only another
// command can use is no mistake: the flag then keeps its default. What none can
// use is one.
func (e *env) setGeneric(cmd *cobra.Command, f *pflag.Flag, file config, path string) error {
	if idle(cmd, f) || f.Annotations[annotateOwn] != nil {
		return nil
	}
	origin := envName(f.Name)
	value := e.getenv(origin)
	if value == "" {
		var ok bool
		if value, ok = file.top(f.Name); !ok {
			return nil
		}
		origin = path
	}
	err := setFlag(cmd, f, value, origin)
	if err == nil {
		e.generic[f.Name] = true
		return nil
	}
	if !usedElsewhere(cmd, f.Name, value) {
		return err
	}
	e.note("%v; not used here", err)
	return nil
}

// usedElsewhere reports whether a command other than cmd takes a value.
func usedElsewhere(cmd *cobra.Command, flag, value string) bool {
	return slices.ContainsFunc(cmd.Root().Commands(), func(other *cobra.Command) bool {
		f := other.Flags().Lookup(flag)
		if other == cmd || f == nil || f.Annotations[annotateOwn] != nil {
			return false
		}
		checked, ok := f.Value.(*checkedValue)
		if !ok {
			return true
		}
		_, err := checked.read(value)
		return err == nil
	})
}

func setFlag(cmd *cobra.Command, f *pflag.Flag, value, origin string) error {
	err := cmd.Flags().Set(f.Name, value)
	var bad *pflag.InvalidValueError
	if errors.As(err, &bad) {
		return cli.Usagef("%s: %w", origin, valueError(bad))
	}
	return err
}

func envName(flag string) string {
	return "RINGBENCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// configurable reports whether a flag may come from the environment or a file.
func configurable(flag string) bool {
	return flag != "help" && flag != "version" && flag != "config"
}

// A config maps a flag to its value, or a command to a map of its flags.
type config map[string]any

func (e *env) readConfig(cmd *cobra.Command) (config, string, error) {
	path := e.configPath
	if path == "" {
		path = e.getenv("RINGBENCH_CONFIG")
	}
	named := path != ""
	if !named {
		// Without a home directory there is no config file to read.
		dir, err := os.UserConfigDir()
		if err != nil {
			return nil, "", nil
		}
		path = filepath.Join(dir, "ringbench", "config.json")
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, "", nil
	}
	if err == nil && info.Size() > configMax {
		return nil, "", cli.Usagef("config %s: %d bytes; at most %d", path, info.Size(), configMax)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", unreadable("config "+path, err)
	}
	var file config
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // 1000000 must not become 1e+06
	if err := dec.Decode(&file); err != nil {
		return nil, "", cli.Usagef("config %s: %w", path, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, "", cli.Usagef("config %s: text behind the JSON object; a file holds one", path)
	}
	return file, path, nil
}

// check refuses a name that no command knows, since a misspelled flag in a file
// would otherwise be ignored for ever.
func (c config) check(root *cobra.Command, path string) error {
	known, owned := map[string]bool{}, map[string]bool{}
	commands := map[string]*cobra.Command{}
	for _, sub := range root.Commands() {
		commands[sub.Name()] = sub
		sub.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Annotations[annotateOwn] != nil {
				owned[f.Name] = true
			} else {
				known[f.Name] = true
			}
		})
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	names := make([]string, 0, len(c))
	for name := range c {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		section, isSection := c[name].(map[string]any)
		sub := commands[name]
		switch {
		case isSection && sub == nil:
			return cli.Usagef("config %s: no command is called %q", path, name)
		case !isSection && owned[name] && !known[name]:
			return cli.Usagef("config %s: %q differs from command to command; put it in the section of one", path, name)
		case !isSection && (!known[name] || !configurable(name)):
			return cli.Usagef("config %s: no flag is called %q", path, name)
		}
		for flag := range section {
			if !configurable(flag) || (sub.Flags().Lookup(flag) == nil && root.PersistentFlags().Lookup(flag) == nil) {
				return cli.Usagef("config %s: %s has no flag called %q", path, name, flag)
			}
		}
	}
	return nil
}

// own returns what the section of a command says of a flag. Lists are joined by
// commas, as on the command line.
func (c config) own(command, flag string) (string, bool) {
	section, _ := c[command].(map[string]any)
	v, ok := section[flag]
	if !ok {
		return "", false
	}
	return configText(v), true
}

// top returns what the file says of a flag of all commands.
func (c config) top(flag string) (string, bool) {
	v, ok := c[flag]
	if _, section := v.(map[string]any); !ok || section {
		return "", false
	}
	return configText(v), true
}

func configText(v any) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = configText(v[i])
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}
