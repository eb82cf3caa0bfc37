package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
)

// configMax bounds the config file: it holds a few flags, not data.
const configMax = 1 << 20

// configure sets every flag of cmd that the command line did not set: from the
// environment, else from the section of the config file named after the
// command, else from the top of the file.
func (e *env) configure(cmd *cobra.Command) error {
	file, path, err := e.readConfig(cmd)
	if err != nil {
		return err
	}
	if err := file.check(cmd.Root(), path); err != nil {
		return err
	}
	var bad error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if bad != nil || f.Changed || !configurable(f.Name) {
			return
		}
		name := envName(f.Name)
		if value := e.getenv(name); value != "" {
			bad = setFlag(cmd, f, value, name)
		} else if value, ok := file.value(cmd.Name(), f.Name); ok {
			bad = setFlag(cmd, f, value, path)
		}
	})
	return bad
}

func setFlag(cmd *cobra.Command, f *pflag.Flag, value, origin string) error {
	err := cmd.Flags().Set(f.Name, value)
	if err == nil {
		return nil
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause // without what pflag says of the flag: origin says it better
	}
	return cli.Usagef("%s: --%s %q: %w", origin, f.Name, value, err)
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
	if errors.Is(err, fs.ErrNotExist) {
		if named {
			return nil, "", cli.NotFoundf("config %s: no such file", path)
		}
		return nil, "", nil
	}
	if err == nil && info.Size() > configMax {
		return nil, "", cli.Usagef("config %s: %d bytes; at most %d", path, info.Size(), configMax)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, "", cli.Usagef("config %w", err)
	}
	var file config
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber() // 1000000 must not become 1e+06
	if err := dec.Decode(&file); err != nil {
		return nil, "", cli.Usagef("config %s: %w", path, err)
	}
	return file, path, nil
}

// check refuses a name that no command knows, since a misspelled flag in a file
// would otherwise be ignored for ever.
func (c config) check(root *cobra.Command, path string) error {
	known := map[string]bool{}
	commands := map[string]*cobra.Command{}
	for _, sub := range root.Commands() {
		commands[sub.Name()] = sub
		sub.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
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

// value returns what the file says of a flag of a command. Lists are joined by
// commas, as on the command line.
func (c config) value(command, flag string) (string, bool) {
	if section, ok := c[command].(map[string]any); ok {
		if v, ok := section[flag]; ok {
			return configText(v), true
		}
	}
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
