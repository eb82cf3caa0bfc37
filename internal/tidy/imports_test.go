package tidy_test

import (
	"fmt"
	"go/ast"
	"path"
	"strings"
	"testing"
)

// checkImports holds each file's imports against the rule of its package.
func checkImports(repo *tree) []string {
	var findings []string
	unruled := map[string]bool{}
	for _, s := range repo.sources {
		dir := path.Dir(s.name)
		rule, ok := ruleOf(dir)
		if !ok {
			if !unruled[dir] {
				findings = append(findings, fmt.Sprintf("%s: package has no rule; add it to packageRules", dir))
			}
			unruled[dir] = true
			continue
		}
		for _, spec := range s.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if why := rule.refuses(dir, imported, s.test); why != "" {
				findings = append(findings, s.at(spec.Pos(), "%s: %s", imported, why))
			}
		}
	}
	return findings
}

// ruleOf returns the rule of the package in dir.
func ruleOf(dir string) (packageRule, bool) {
	var best packageRule
	for _, rule := range packageRules {
		if below(dir, rule.dir) && len(rule.dir) > len(best.dir) {
			best = rule
		}
	}
	// The libraries list each of their packages, so that a new one is placed
	// in the picture by hand. The commands and programs are trees.
	lib := below(dir, "hashring") || below(dir, "vectorclock") || below(dir, "transport") || below(dir, "membership")
	return best, best.dir != "" && (!lib || best.dir == dir)
}

// refuses returns why a package in dir may not import the path, or "".
func (r packageRule) refuses(dir, imported string, test bool) string {
	own, inProject := strings.CutPrefix(imported, project+"/")
	switch {
	case inProject:
		if own == dir || matches(own, r.may) || test && matches(own, r.testMay) {
			return ""
		}
		return fmt.Sprintf("%s must not import it: arrows point down only", r.dir)
	case !strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
		if !test && matches(imported, r.deny) {
			return fmt.Sprintf("%s must not import it", r.dir)
		}
		return ""
	case r.external == nil:
		return ""
	}
	for _, module := range r.external {
		if below(imported, module) {
			return ""
		}
	}
	return fmt.Sprintf("%s may import of others only %q", r.dir, r.external)
}

// matches reports whether name is one of the patterns.
func matches(name string, patterns []string) bool {
	for _, pattern := range patterns {
		tree, isTree := strings.CutSuffix(pattern, "/...")
		if name == pattern || isTree && below(name, tree) {
			return true
		}
	}
	return false
}

func TestCheckImports(t *testing.T) {
	check(checkImports).run(t, []planted{
		{
			name: "what the rules allow",
			tree: map[string]string{
				"hashring/a.go":       "package hashring\nimport (\n\"fmt\"\n\"github.com/zeebo/xxh3\"\n)",
				"hashring/a_test.go":  "package hashring_test\nimport (\n\"os\"\n\"" + project + "/hashring\"\n)",
				"cmd/ringbench/a.go":  "package main\nimport (\n\"net\"\n\"example.com/x\"\n\"" + project + "/cmd/ringbench/internal/a\"\n)",
				"fuzz/a_test.go":      "package fuzz_test\nimport \"" + project + "/hashring\"",
				"vectorclock/test.go": "package vectorclock\nimport \"sync/atomic\"",
			},
		},
		{
			name: "a library pulls in a command's dependency",
			tree: map[string]string{"hashring/a.go": "package hashring\n\nimport \"github.com/spf13/cobra\""},
			wants: []string{
				"hashring/a.go:3: github.com/spf13/cobra: hashring may import of others only",
			},
		},
		{
			name:  "a test pulls it in",
			tree:  map[string]string{"hashring/a_test.go": "package hashring_test\nimport \"github.com/leanovate/gopter\""},
			wants: []string{"hashring/a_test.go:2: github.com/leanovate/gopter"},
		},
		{
			name: "siblings import each other",
			tree: map[string]string{
				"hashring/a.go":    "package hashring\nimport \"" + project + "/vectorclock\"",
				"vectorclock/a.go": "package vectorclock\nimport \"" + project + "/hashring\"",
			},
			wants: []string{"hashring/a.go:2:", "vectorclock/a.go:2:"},
		},
		{
			name:  "an arrow points up",
			tree:  map[string]string{"transport/a.go": "package transport\nimport \"" + project + "/transport/genserver\""},
			wants: []string{"transport/a.go:2: " + project + "/transport/genserver: transport must not import it: arrows point down"},
		},
		{
			name:  "a nested module reaches into the root's internal packages",
			tree:  map[string]string{"bench/a.go": "package bench\nimport \"" + project + "/internal/tidy\""},
			wants: []string{"bench/a.go:2: " + project + "/internal/tidy"},
		},
		{
			name: "a pure package takes a lock and opens a socket",
			tree: map[string]string{
				"membership/internal/core/a.go": "package core\nimport (\n\"net/netip\"\n\"sync\"\n)",
				"hashring/b.go":                 "package hashring\nimport \"log/slog\"",
			},
			wants: []string{
				"hashring/b.go:2: log/slog",
				"membership/internal/core/a.go:3: net/netip",
				"membership/internal/core/a.go:4: sync:",
			},
		},
		{
			name: "a file under a build tag",
			tree: map[string]string{
				"hashring/a.go": "//go:build windows\n\npackage hashring\nimport \"os\"",
			},
			wants: []string{"hashring/a.go:4: os:"},
		},
		{
			name: "a package that no rule knows",
			tree: map[string]string{
				"benches/a.go":      "package benches",
				"hashring/sub/a.go": "package sub",
				"other/a.go":        "package other",
				"other/b.go":        "package other",
			},
			wants: []string{"benches: package has no rule", "hashring/sub: package has no rule", "other: package has no rule"},
		},
	})
}

// clockNames are what the time package offers that reads the clock.
var clockNames = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"Tick": true, "NewTicker": true, "NewTimer": true,
}

// checkClock looks for a clock in the packages that must not have one.
func checkClock(repo *tree) []string {
	var findings []string
	for _, s := range repo.sources {
		rule, _ := ruleOf(path.Dir(s.name))
		local := s.localName("time")
		if s.test || !rule.noClock || local == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && isName(sel.X, local) && clockNames[sel.Sel.Name] {
				findings = append(findings, s.at(sel.Pos(), "time.%s: pass the time as an argument", sel.Sel.Name))
			}
			return true
		})
	}
	return findings
}

// isName reports whether the expression is the plain name.
func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestCheckClock(t *testing.T) {
	const now = "import \"time\"\n\nvar x = time.Now"
	check(checkClock).run(t, []planted{
		{
			name: "durations are arguments, tests and drivers may look",
			tree: map[string]string{
				"hashring/a.go":      "package hashring\nimport \"time\"\nconst d = time.Second",
				"hashring/a_test.go": "package hashring_test\n" + now,
				"membership/a.go":    "package membership\n" + now,
			},
		},
		{
			name: "a pure package looks at the clock",
			tree: map[string]string{
				"membership/internal/liveness/a.go": "package liveness\n" + now,
				"hashring/a.go":                     "package hashring\nimport t \"time\"\nvar y = t.NewTimer(0)",
			},
			wants: []string{
				"hashring/a.go:3: time.NewTimer: pass the time",
				"membership/internal/liveness/a.go:4: time.Now: pass the time",
			},
		},
	})
}
