package tidy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// A tree is a repository, read once for all checks.
type tree struct {
	fs.FS
	sources []source
	pages   []page
	broken  []string // findings: Go files that do not parse
}

// load reads a tree.
func load(fsys fs.FS) *tree {
	t := &tree{FS: fsys}
	t.sources, t.broken = sources(fsys)
	t.pages = pages(fsys)
	return t
}

// A check looks at a tree and returns what is wrong, as "path:line: what".
type check func(*tree) []string

// treeRules are the checks that need no more than the files.
var treeRules = []struct {
	name  string
	check check
}{
	{"Go files parse", func(t *tree) []string { return t.broken }},
	{"packages import what their rule allows", checkImports},
	{"packages without a clock take the time as an argument", checkClock},
	{"Go files and functions are short", checkSizes},
	{"Go code is ASCII", checkASCII},
	{"packages and exported names have doc comments", checkDocs},
	{"no init functions", checkInit},
	{"no test skips or sleeps", checkTests},
	{"no forbidden words", checkWords},
	{"links in documents resolve", checkLinks},
	{"every page is reached from the index", checkIndex},
	{"paths in documents exist", checkPaths},
	{"commands in documents name what exists", checkCommands},
	{"Go blocks in documents are tested examples", checkBlocks},
	{"the README is short", checkReadme},
}

func TestTree(t *testing.T) {
	dir, _ := repository(t)
	repo := load(os.DirFS(dir))
	for _, rule := range treeRules {
		t.Run(rule.name, func(t *testing.T) {
			for _, finding := range rule.check(repo) {
				t.Error(finding)
			}
		})
	}
}

// repository returns the root of the root module, and whether the rest of
// the repository lies around it.
func repository(t *testing.T) (dir string, all bool) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatalf("no go.mod two levels up: %v", err)
	}
	return dir, whole(os.DirFS(dir))
}

// whole reports whether fsys is a whole repository rather than the root
// module alone. A module cache holds the root with its go.work, but no folder
// of another module.
func whole(fsys fs.FS) bool {
	return exists(fsys, "go.work") && slices.ContainsFunc(modules[1:], func(m module) bool { return exists(fsys, m.dir) })
}

// exists reports whether name is a file or a directory of fsys.
func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// missing reports whether name ought to be in fsys and is not. Where the root
// module lies alone, what other modules hold is not missed.
func missing(fsys fs.FS, name string) bool {
	return !exists(fsys, name) && (whole(fsys) || moduleOf(name).dir == ".")
}

// moduleOf returns the row of the module that holds the file or directory.
func moduleOf(name string) module {
	best := modules[0]
	for _, m := range modules[1:] {
		if below(name, m.dir) {
			best = m
		}
	}
	return best
}

// below reports whether name is dir or below it.
func below(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// files returns the files of fsys that keep accepts, in order.
func files(fsys fs.FS, keep func(name string) bool) []string {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.Type().IsRegular() && keep(name):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("walk: %v", err)) // os.DirFS and MapFS of our own tests
	}
	return names
}

// read returns the text of a file that files listed.
func read(fsys fs.FS, name string) string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		panic(fmt.Sprintf("read %s: %v", name, err))
	}
	return string(b)
}

// A source is one parsed Go file.
type source struct {
	name      string
	text      string
	set       *token.FileSet
	file      *ast.File
	test      bool
	generated bool
}

var generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// sources parses the Go files of fsys whatever their build tags. Files in
// testdata are data. A file that does not parse is a finding.
func sources(fsys fs.FS) (parsed []source, findings []string) {
	names := files(fsys, func(name string) bool {
		return path.Ext(name) == ".go" && !strings.Contains("/"+name, "/testdata/")
	})
	for _, name := range names {
		s := source{name: name, text: read(fsys, name), set: token.NewFileSet()}
		file, err := parser.ParseFile(s.set, name, s.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			findings = append(findings, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		s.file = file
		s.test = strings.HasSuffix(name, "_test.go")
		s.generated = generatedLine.MatchString(s.text)
		parsed = append(parsed, s)
	}
	return parsed, findings
}

// at returns a finding at a place in the source.
func (s source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.name, s.set.Position(pos).Line, fmt.Sprintf(format, args...))
}

// localName returns the name under which the file imports path, or "".
func (s source) localName(importPath string) string {
	for _, spec := range s.file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

func TestBroken(t *testing.T) {
	check(func(t *tree) []string { return t.broken }).run(t, []planted{
		{
			name:  "a file that does not parse, and data that need not",
			tree:  map[string]string{"hashring/a.go": "packag hashring", "a/testdata/b.go": "packag b"},
			wants: []string{"hashring/a.go: hashring/a.go:1:1: expected 'package'"},
		},
	})
}

// A planted case is a tree and what the check must say about it, as the start
// of each finding in order. A case without wants must be clean.
type planted struct {
	name  string
	tree  map[string]string
	wants []string
}

// run runs the check on each planted tree.
func (c check) run(t *testing.T, cases []planted) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range tt.tree {
				fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
			}
			compare(t, c(load(fsys)), tt.wants)
		})
	}
}

// compare checks that each finding starts as wanted, and that none is left.
func compare(t *testing.T, findings, wants []string) {
	t.Helper()
	for i := range max(len(findings), len(wants)) {
		switch {
		case i >= len(wants):
			t.Errorf("finding %q, want none", findings[i])
		case i >= len(findings):
			t.Errorf("no finding, want %q", wants[i])
		case !strings.HasPrefix(findings[i], wants[i]):
			t.Errorf("finding %q, want %q", findings[i], wants[i])
		}
	}
}
