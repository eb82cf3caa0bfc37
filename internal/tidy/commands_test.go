package tidy_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// checkCommands reads the shell blocks of the pages and finds commands that
// name a package, a file, a module or a make target that does not exist.
// Commands count from the repository's root, as a reader of the README types
// them, until a cd.
func checkCommands(repo *tree) []string {
	targets := makeTargets(repo)
	var findings []string
	for _, p := range repo.pages {
		for _, b := range p.blocks {
			if b.lang != "sh" {
				continue
			}
			dir := "."
			for i, line := range b.lines {
				for _, words := range shellCommands(line) {
					if words[0] == "cd" && len(words) == 2 {
						dir = path.Join(dir, words[1])
					}
					for _, what := range checkCommand(repo, targets, dir, words) {
						findings = append(findings, fmt.Sprintf("%s:%d: %s", p.name, b.line+i, what))
					}
				}
			}
		}
	}
	return findings
}

var (
	shellJoint  = regexp.MustCompile(`\s*(?:&&|\|\||[;|&()])\s*`)
	shellPrompt = regexp.MustCompile(`^\s*\$\s+`)
	shellNote   = regexp.MustCompile(`(^|\s)#.*$`)
	assignment  = regexp.MustCompile(`^[A-Z_]+=`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

// shellCommands splits a line into commands and each into words. It knows no
// quotes beyond a word in one pair; our pages need no more.
func shellCommands(line string) [][]string {
	line = shellNote.ReplaceAllString(shellPrompt.ReplaceAllString(line, ""), "")
	var commands [][]string
	for _, part := range shellJoint.Split(line, -1) {
		words := strings.Fields(part)
		for len(words) > 0 && assignment.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) > 0 {
			commands = append(commands, words)
		}
	}
	return commands
}

// makeTargets returns the targets of the Makefile.
func makeTargets(fsys fs.FS) map[string]bool {
	targets := map[string]bool{}
	if exists(fsys, "Makefile") {
		for _, m := range makeTarget.FindAllStringSubmatch(read(fsys, "Makefile"), -1) {
			targets[m[1]] = true
		}
	}
	return targets
}

// checkCommand returns what one command names that does not exist.
func checkCommand(fsys fs.FS, targets map[string]bool, dir string, words []string) (findings []string) {
	switch {
	case words[0] == "make":
		for _, word := range words[1:] {
			if !targets[word] && !strings.Contains(word, "=") {
				findings = append(findings, fmt.Sprintf("make %s: no such target", word))
			}
		}
		return findings
	case words[0] != "go":
		if file := path.Join(dir, words[0]); strings.Contains(words[0], "/") && missing(fsys, file) {
			findings = append(findings, words[0]+": no such file")
		}
		return findings
	}
	program := false
	for i, word := range words[1:] {
		previous := words[i]
		modfile, isModfile := strings.CutPrefix(word, "-modfile=")
		module, isModule := strings.CutPrefix(word, project)
		switch {
		case previous == "-C":
			dir = path.Join(dir, word)
			if missing(fsys, dir) {
				return append(findings, fmt.Sprintf("go -C %s: no such folder", word))
			}
		case isModfile && missing(fsys, path.Join(dir, modfile)):
			findings = append(findings, word+": no such file")
		case program: // the arguments of go run's program are its own
		case strings.HasPrefix(word, "./"):
			program = words[1] == "run" || words[1] == "-C" && len(words) > 3 && words[3] == "run"
			findings = append(findings, checkPackage(fsys, path.Join(dir, word))...)
		case isModule:
			module, _, _ = strings.Cut(strings.TrimPrefix(module, "/"), "@")
			findings = append(findings, checkPackage(fsys, path.Clean(module))...)
		}
	}
	return findings
}

// checkPackage returns a finding unless dir, or for a pattern "x/..." x,
// exists and holds Go.
func checkPackage(fsys fs.FS, dir string) []string {
	tree, isTree := strings.CutSuffix(dir, "/...")
	if dir == "..." {
		tree, isTree = ".", true
	}
	if !exists(fsys, tree) {
		if missing(fsys, tree) {
			return []string{dir + ": no such package"}
		}
		return nil
	}
	found, err := fs.Glob(fsys, path.Join(tree, "*.go"))
	if len(found) == 0 && !isTree && tree != "." || err != nil {
		return []string{dir + ": no Go files"}
	}
	return nil
}

func TestCheckCommands(t *testing.T) {
	tree := func(page string) map[string]string {
		return map[string]string{
			"go.work": "", "hashring/a.go": "", "cmd/ringbench/main.go": "", "bench/cmd/compare/main.go": "",
			"tools/go.mod": "", "scripts/x.sh": "", "Makefile": "test:\n\tgo test work\nlong-run: test\n", "docs/a.md": page,
		}
	}
	check(checkCommands).run(t, []planted{
		{
			name: "commands that name what exists",
			tree: tree("```sh\n# go run ./no\n$ go run ./cmd/ringbench run --keys ./no # go run ./no\ngo test work && go vet ./...\n" +
				"go -C bench run ./cmd/compare -only ring | tee ./out\nGOWORK=off go tool -modfile=tools/go.mod staticcheck ./hashring\n" +
				"go get " + project + "/hashring@latest\nmake test long-run N=3\nscripts/x.sh v1\ncd bench\ngo run ./cmd/compare\n```\n" +
				"```text\ngo run ./no\n```\n"),
		},
		{
			name: "commands that do not",
			tree: tree("```sh\ngo run ./cmd/no\ngo test ./hashring ./ringhash/...\ngo -C benches run ./cmd/compare\ngo -C bench run ./cmd/hashring\n" +
				"go get " + project + "/ring@latest\nmake tests\nscripts/y.sh\ngo tool -modfile=tool/go.mod x\ngo vet ./scripts\ncd bench\ngo run ./cmd/ringbench\n```\n"),
			wants: []string{
				"docs/a.md:2: cmd/no: no such package", "docs/a.md:3: ringhash/...: no such package",
				"docs/a.md:4: go -C benches: no such folder", "docs/a.md:5: bench/cmd/hashring: no such package",
				"docs/a.md:6: ring: no such package", "docs/a.md:7: make tests: no such target",
				"docs/a.md:8: scripts/y.sh: no such file", "docs/a.md:9: -modfile=tool/go.mod: no such file",
				"docs/a.md:10: scripts: no Go files", "docs/a.md:12: bench/cmd/ringbench: no such package",
			},
		},
	})
}
