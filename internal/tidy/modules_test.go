package tidy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// importPath returns the path of the module in dir.
func (m module) importPath() string {
	return path.Join(project, m.dir)
}

// A goMod is what "go mod edit -json" prints of a go.mod.
type goMod struct {
	Module    struct{ Path string }
	Go        string
	Toolchain string
	Require   []struct {
		Path, Version string
		Indirect      bool
	}
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
}

// goCommand runs the Go command in dir and returns what it prints. What env
// sets wins over the environment.
func goCommand(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PWD="+dir), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// checkModules holds each go.mod below dir, and go.work, against the table.
func checkModules(dir string) []string {
	var findings []string
	note := func(format string, args ...any) { findings = append(findings, fmt.Sprintf(format, args...)) }
	fsys := os.DirFS(dir)
	for _, name := range files(fsys, func(name string) bool { return path.Base(name) == "go.mod" }) {
		at := path.Dir(name)
		i := slices.IndexFunc(modules, func(m module) bool { return m.dir == at })
		if i < 0 {
			note("%s: module is not in the table of modules", name)
			continue
		}
		var mod goMod
		if err := goJSON(dir, &mod, "mod", "edit", "-json", name); err != nil {
			note("%s: %v", name, err)
			continue
		}
		for _, what := range modules[i].faults(mod) {
			note("%s: %s", name, what)
		}
	}
	if !whole(fsys) {
		return findings
	}
	var work struct{ Use []struct{ DiskPath string } }
	if err := goJSON(dir, &work, "work", "edit", "-json", "go.work"); err != nil {
		return append(findings, "go.work: "+err.Error())
	}
	var used []string
	for _, use := range work.Use {
		used = append(used, path.Clean(use.DiskPath))
	}
	for _, m := range modules {
		switch listed := slices.Contains(used, m.dir); {
		case listed && !m.work:
			note("go.work: lists %s, which must stay out", m.dir)
		case !listed && m.work:
			note("go.work: does not list %s", m.dir)
		}
		if !exists(fsys, path.Join(m.dir, "go.mod")) {
			note("%s: no go.mod, but the table of modules has it", m.dir)
		}
	}
	return findings
}

// goJSON runs the Go command and decodes what it prints.
func goJSON(dir string, v any, args ...string) error {
	out, err := goCommand(dir, nil, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), v)
}

// faults returns what in a go.mod differs from the table.
func (m module) faults(mod goMod) (faults []string) {
	note := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if mod.Module.Path != m.importPath() {
		note("path %s, want %s", mod.Module.Path, m.importPath())
	}
	if strings.TrimSuffix(mod.Go, ".0") != m.goLine {
		note("go line %s, want %s", mod.Go, m.goLine)
	}
	if mod.Toolchain != "" {
		note("toolchain line %s: it would bind those who build here to it", mod.Toolchain)
	}
	replaced := map[string]string{}
	for _, r := range mod.Replace {
		replaced[r.Old.Path] = r.New.Path
		if !below(r.Old.Path, project) {
			note("replaces %s: only siblings may be replaced", r.Old.Path)
		}
	}
	for _, r := range mod.Require {
		i := slices.IndexFunc(modules, func(s module) bool { return s.importPath() == r.Path })
		switch {
		case i < 0 && !r.Indirect && m.direct != nil && !slices.Contains(m.direct, r.Path):
			note("requires %s: not allowed by the table of modules", r.Path)
		case i < 0:
		case !slices.Contains(m.siblings, modules[i].dir):
			note("requires its sibling %s: not allowed by the table of modules", modules[i].dir)
		default:
			if want := relative(m.dir, modules[i].dir); path.Clean(replaced[r.Path]) != path.Clean(want) {
				note("must replace %s by %s", r.Path, want)
			}
		}
	}
	return faults
}

// relative returns the path from one module to another as go.mod writes it.
func relative(from, to string) string {
	rel, err := filepath.Rel(filepath.FromSlash(from), filepath.FromSlash(to))
	if err != nil {
		panic(fmt.Sprintf("no way from %s to %s", from, to)) // both are in the table
	}
	if rel = filepath.ToSlash(rel); !strings.HasPrefix(rel, ".") {
		rel = "./" + rel
	}
	return rel
}

// checkLinked asks the Go command what the packages and tests of each module
// in the workspace are built from, in all, and holds it against the table.
// The modules outside the workspace are left to their own: to load them would
// fetch every library that bench compares with.
func checkLinked(dir string) []string {
	var findings []string
	fsys := os.DirFS(dir)
	for _, m := range modules {
		at := filepath.Join(dir, filepath.FromSlash(m.dir))
		if !m.work || !exists(fsys, path.Join(m.dir, "go.mod")) {
			continue
		}
		var env []string
		if m.dir == "." || !whole(fsys) {
			env = []string{"GOWORK=off"} // what a user of the root alone gets
		}
		out, err := goCommand(at, env, "list", "-deps", "-test", "-f", "{{with .Module}}{{.Path}} {{end}}{{.ImportPath}}", "./...")
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s: %v", m.dir, err))
			continue
		}
		findings = append(findings, m.linkFaults(out)...)
	}
	return findings
}

// linkFaults reads lines of "module package" and returns those that the
// module must not be built from. Lines of the standard library have one word.
func (m module) linkFaults(list string) (faults []string) {
	seen := map[string]bool{}
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		if len(words) < 2 || seen[words[0]] && !below(words[0], project) {
			continue
		}
		from, pkg := words[0], words[1]
		seen[from] = true
		sibling := slices.IndexFunc(modules, func(s module) bool { return s.importPath() == from })
		switch {
		case from == m.importPath():
		case sibling >= 0:
			if !slices.Contains(m.siblings, modules[sibling].dir) {
				faults = append(faults, fmt.Sprintf("%s: is built from its sibling %s", m.dir, from))
			}
			if own := strings.TrimPrefix(pkg, from); modules[sibling].dir == "." && below(own, "/internal") {
				faults = append(faults, fmt.Sprintf("%s: is built from %s, which is internal to the root", m.dir, pkg))
			}
		case m.linked != nil && !slices.Contains(m.linked, from):
			faults = append(faults, fmt.Sprintf("%s: is built from %s (by %s): not allowed by the table of modules", m.dir, from, pkg))
		}
	}
	return slices.Compact(faults)
}

func TestModules(t *testing.T) {
	dir, _ := repository(t)
	for _, finding := range checkModules(dir) {
		t.Error(finding)
	}
}

func TestLinked(t *testing.T) {
	dir, _ := repository(t)
	for _, finding := range checkLinked(dir) {
		t.Error(finding)
	}
}

// plant writes a tree to a new folder and returns the folder.
func plant(t *testing.T, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tree {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ringMod is a go.mod of the root as it should be.
const ringMod = "module " + project + "\n\ngo 1.24\n\nrequire (\n\tgithub.com/zeebo/xxh3 v1.1.0\n\texample.com/x v1.0.0 // indirect\n)\n"

// fuzzMod is a go.mod of a nested module as it should be.
const fuzzMod = "module " + project + "/fuzz\n\ngo 1.26.0\n\nrequire " + project + " v0.0.0\nrequire example.com/any v1.2.3\n\nreplace " + project + " => ..\n"

func TestCheckModules(t *testing.T) {
	absent := func(but ...string) (wants []string) {
		for _, m := range modules {
			if !slices.Contains(but, m.dir) && m.work {
				wants = append(wants, "go.work: does not list "+m.dir)
			}
			if !slices.Contains(but, m.dir) {
				wants = append(wants, m.dir+": no go.mod, but the table")
			}
		}
		return wants
	}
	tests := []planted{
		{name: "the root alone", tree: map[string]string{"go.mod": ringMod, "go.work": "go 1.26\n\nuse ./fuzz\n"}},
		{
			name:  "a workspace with two modules of the table",
			tree:  map[string]string{"go.mod": ringMod, "fuzz/go.mod": fuzzMod, "go.work": "go 1.26\n\nuse (\n\t.\n\t./fuzz\n)\n"},
			wants: absent(".", "fuzz"),
		},
		{
			name: "a module is listed that must stay out",
			tree: map[string]string{"go.mod": ringMod, "fuzz/go.mod": fuzzMod, "go.work": "go 1.26\n\nuse (\n\t.\n\t./fuzz\n\t./bench\n)\n"},
			wants: func() []string {
				wants := absent(".", "fuzz")
				i := slices.Index(wants, "bench: no go.mod, but the table")
				return slices.Insert(wants, i, "go.work: lists bench, which must stay out")
			}(),
		},
		{
			name:  "a module that nobody knows",
			tree:  map[string]string{"go.mod": ringMod, "hashring/go.mod": "module " + project + "/hashring\n"},
			wants: []string{"hashring/go.mod: module is not in the table"},
		},
		{
			name: "the root requires, replaces and raises",
			tree: map[string]string{"go.mod": "module " + project + "\n\ngo 1.26\n\ntoolchain go1.26.9\n\nrequire github.com/spf13/cobra v1.10.2\n" +
				"require " + project + "/transport v0.0.0\n\nreplace github.com/spf13/cobra => ./x\n"},
			wants: []string{
				"go.mod: go line 1.26, want 1.24", "go.mod: toolchain line", "go.mod: replaces github.com/spf13/cobra",
				"go.mod: requires github.com/spf13/cobra: not allowed", "go.mod: requires its sibling transport",
			},
		},
		{
			name: "a nested module under another name, without its replace",
			tree: map[string]string{"fuzz/go.mod": "module example.com/fuzz\n\ngo 1.25\n\nrequire " + project + " v0.0.0\n"},
			wants: []string{
				"fuzz/go.mod: path example.com/fuzz", "fuzz/go.mod: go line 1.25",
				"fuzz/go.mod: must replace " + project + " by ..",
			},
		},
		{
			name:  "a go.mod that does not parse",
			tree:  map[string]string{"go.mod": "modul x\n"},
			wants: []string{"go.mod: go mod edit"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, checkModules(plant(t, tt.tree)), tt.wants)
		})
	}
}

func TestCheckLinked(t *testing.T) {
	const heavy = "require example.com/heavy v0.0.0\n\nreplace example.com/heavy => ./heavy\n"
	tree := map[string]string{
		"go.mod":          "module " + project + "\n\ngo 1.24\n\n" + heavy,
		"hashring/a.go":   "package hashring\n",
		"internal/x/x.go": "package x\n",
		"heavy/go.mod":    "module example.com/heavy\n\ngo 1.24\n",
		"heavy/h.go":      "package heavy\n",
	}
	with := func(name, text string) map[string]string {
		planted := map[string]string{name: text}
		for other, text := range tree {
			planted[other] = text
		}
		return planted
	}
	const nested = "module " + project + "/fuzz\n\ngo 1.26\n\nrequire " + project + " v0.0.0\n\nreplace " + project + " => ..\nreplace example.com/heavy => ../heavy\n"
	reach := with("fuzz/go.mod", nested)
	reach["fuzz/f.go"] = "package fuzz\nimport _ \"" + project + "/internal/x\"\n"

	tests := []planted{
		{name: "nothing but itself", tree: tree},
		{
			name:  "a package links a heavy library",
			tree:  with("hashring/b.go", "package hashring\nimport _ \"example.com/heavy\"\n"),
			wants: []string{".: is built from example.com/heavy (by example.com/heavy): not allowed"},
		},
		{
			name:  "a test links it",
			tree:  with("hashring/b_test.go", "package hashring\nimport _ \"example.com/heavy\"\n"),
			wants: []string{".: is built from example.com/heavy"},
		},
		{
			name:  "a nested module reaches into the root's internal packages",
			tree:  reach,
			wants: []string{"fuzz: is built from " + project + "/internal/x, which is internal"},
		},
		{
			name:  "a package that does not load",
			tree:  with("hashring/b.go", "package hashring\nimport _ \"example.com/nowhere\"\n"),
			wants: []string{".: go list"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, checkLinked(plant(t, tt.tree)), tt.wants)
		})
	}
}

// A sibling may be reached only along the table's own lines.
func TestLinkFaults(t *testing.T) {
	row := func(dir string) module {
		return modules[slices.IndexFunc(modules, func(m module) bool { return m.dir == dir })]
	}
	tests := []struct {
		name, dir, list string
		wants           []string
	}{
		{"the standard library and itself", "cmd/ringbench", "fmt\n" + project + "/cmd/ringbench " + project + "/cmd/ringbench\n", nil},
		{"the ring", "cmd/ringbench", project + " " + project + "/hashring\n", nil},
		{"through a sibling", "membership", project + "/transport " + project + "/transport/wire\n", nil},
		{
			"the cluster", "cmd/ringbench", project + "/membership " + project + "/membership\n",
			[]string{"cmd/ringbench: is built from its sibling " + project + "/membership"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compare(t, row(tt.dir).linkFaults(tt.list), tt.wants)
		})
	}
}
