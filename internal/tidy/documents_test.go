package tidy_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// A block is one fenced code block of a page.
type block struct {
	line  int // of the first line inside
	lang  string
	lines []string
}

// A page is one Markdown file, its prose apart from its code blocks.
type page struct {
	name   string
	prose  []string // line i of the file; empty inside blocks
	blocks []block
}

// pages returns the Markdown files of fsys.
func pages(fsys fs.FS) []page {
	names := files(fsys, func(name string) bool {
		return path.Ext(name) == ".md" && !strings.Contains("/"+name, "/testdata/")
	})
	all := make([]page, len(names))
	for i, name := range names {
		all[i] = parsePage(name, read(fsys, name))
	}
	return all
}

// parsePage splits a page into prose and blocks. Blocks are fenced with three
// or more backticks; indentation before the fence is taken off each line.
func parsePage(name, text string) page {
	p := page{name: name}
	fence, indent := "", ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		ticks := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence, indent = ticks, line[:len(line)-len(trimmed)]
			lang, _, _ := strings.Cut(strings.TrimSpace(trimmed[len(ticks):]), " ")
			p.blocks = append(p.blocks, block{line: i + 2, lang: lang})
		case fence != "" && len(ticks) >= len(fence) && strings.TrimRight(trimmed, "` ") == "":
			fence = ""
		case fence != "":
			last := &p.blocks[len(p.blocks)-1]
			last.lines = append(last.lines, strings.TrimPrefix(line, indent))
		default:
			p.prose = append(p.prose, line)
			continue
		}
		p.prose = append(p.prose, "")
	}
	return p
}

var (
	codeSpan   = regexp.MustCompile("`+[^`]*`+")
	inlineLink = regexp.MustCompile(`\]\(\s*<?([^)\s>]*)>?(?:\s+"[^"]*")?\s*\)`)
	linkLabel  = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?`)
	htmlTarget = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	remoteLink = regexp.MustCompile(`^(https?:|mailto:)`)
	headLine   = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*\s*$`)
	linkText   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// A link is the target of one link of a page.
type link struct {
	line   int
	target string
}

// links returns the links of the page, those in code apart.
func (p page) links() (all []link) {
	for i, line := range p.prose {
		line = codeSpan.ReplaceAllString(line, "code")
		for _, re := range []*regexp.Regexp{inlineLink, linkLabel, htmlTarget} {
			for _, m := range re.FindAllStringSubmatch(line, -1) {
				all = append(all, link{i + 1, m[1]})
			}
		}
	}
	return all
}

// resolve returns the file that a link leads to and its anchor. Links to
// other sites have no file.
func (p page) resolve(target string) (file, anchor string, local bool) {
	if remoteLink.MatchString(target) {
		return "", "", false
	}
	file, anchor, _ = strings.Cut(target, "#")
	if file == "" {
		return p.name, anchor, true
	}
	return path.Join(path.Dir(p.name), file), anchor, true
}

// anchors returns the anchors that GitHub gives the headings of the page.
func (p page) anchors() []string {
	var all []string
	seen := map[string]int{}
	for _, line := range p.prose {
		m := headLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		text := strings.ToLower(linkText.ReplaceAllString(m[1], "$1"))
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return r
			}
			return -1
		}, text)
		n := seen[slug]
		seen[slug]++
		if n > 0 {
			slug = fmt.Sprintf("%s-%d", slug, n)
		}
		all = append(all, slug)
	}
	return all
}

// checkLinks follows each link inside the repository, down to the heading.
func checkLinks(repo *tree) []string {
	var findings []string
	for _, p := range repo.pages {
		for _, l := range p.links() {
			file, anchor, local := p.resolve(l.target)
			where := fmt.Sprintf("%s:%d: link %q", p.name, l.line, l.target)
			switch {
			case !local:
			case !fs.ValidPath(file) || strings.HasPrefix(l.target, "/"):
				findings = append(findings, where+" leads out of the repository")
			case missing(repo, file):
				findings = append(findings, where+" leads to no file")
			case anchor == "" || !exists(repo, file):
			case path.Ext(file) != ".md":
				findings = append(findings, where+" has an anchor into something that is no page")
			case !slices.Contains(parsePage(file, read(repo, file)).anchors(), anchor):
				findings = append(findings, where+" leads to no heading")
			}
		}
	}
	return findings
}

func TestCheckLinks(t *testing.T) {
	check(checkLinks).run(t, []planted{
		{
			name: "links that resolve, and what is no link",
			tree: map[string]string{
				"go.work": "", "fuzz/go.mod": "",
				"README.md": "[a](docs/a.md#the-ring-in-3-lines) [dir](docs) <img src=\"docs/a.md\">\n[web](https://example.com/x#y)\n`[x](no.md)`\n```text\n[x](no.md)\n```\n",
				"docs/a.md": "# A\n## The `ring`, in 3 lines!\n## A\n[up](../README.md) [self](#a-1)\n\n[ref]: a.md\n",
			},
		},
		{
			name: "links that do not",
			tree: map[string]string{
				"go.work": "", "fuzz/go.mod": "",
				"README.md": "[a](docs/b.md)\n[a](docs/a.md#b)\n[a](/docs/a.md)\n[a](../x.md)\n[a](#no)\n[r]: no.md\n<img src=\"x.png\">\n[g](go.work#a)\n",
				"docs/a.md": "# A\n```sh\n# b\n```\n",
			},
			wants: []string{
				"README.md:1: link \"docs/b.md\" leads to no file",
				"README.md:2: link \"docs/a.md#b\" leads to no heading",
				"README.md:3: link \"/docs/a.md\" leads out",
				"README.md:4: link \"../x.md\" leads out",
				"README.md:5: link \"#no\" leads to no heading",
				"README.md:6: link \"no.md\" leads to no file",
				"README.md:7: link \"x.png\" leads to no file",
				"README.md:8: link \"go.work#a\" has an anchor",
			},
		},
		{
			name:  "the root module alone misses its own files only",
			tree:  map[string]string{"go.work": "", "README.md": "[b](bench/README.md) [d](docs/no.md)\n"},
			wants: []string{"README.md:1: link \"docs/no.md\" leads to no file"},
		},
	})
}

// checkIndex finds pages below docs that the index does not lead to.
func checkIndex(repo *tree) []string {
	const index = "docs/README.md"
	if !exists(repo, index) {
		return []string{index + ": no such file"}
	}
	reached := map[string]bool{index: true}
	for _, l := range parsePage(index, read(repo, index)).links() {
		file, _, _ := page{name: index}.resolve(l.target)
		reached[file] = true
	}
	var findings []string
	for _, p := range repo.pages {
		if below(p.name, "docs") && !reached[p.name] {
			findings = append(findings, p.name+": no link from "+index)
		}
	}
	return findings
}

func TestCheckIndex(t *testing.T) {
	check(checkIndex).run(t, []planted{
		{
			name: "every page is listed",
			tree: map[string]string{"docs/README.md": "[a](a.md#x) [b](d/b.md)", "docs/a.md": "", "docs/d/b.md": "", "other.md": ""},
		},
		{
			name:  "one is forgotten",
			tree:  map[string]string{"docs/README.md": "[a](a.md)", "docs/a.md": "", "docs/d/b.md": ""},
			wants: []string{"docs/d/b.md: no link"},
		},
		{name: "no index", tree: map[string]string{"docs/a.md": ""}, wants: []string{"docs/README.md: no such file"}},
	})
}

var pathSpan = regexp.MustCompile("`(\\.?[A-Za-z0-9_-][A-Za-z0-9_./-]*/(?:[A-Za-z0-9_.-]+\\.(?:go|md|json|mod|sh|txt)|))`")

// checkPaths finds files and folders that a page names in backquotes, with a
// slash in the name, and that do not exist. Names count from the repository's
// root or from the page's folder.
func checkPaths(repo *tree) []string {
	var findings []string
	for _, p := range repo.pages {
		for i, line := range p.prose {
			for _, m := range pathSpan.FindAllStringSubmatch(line, -1) {
				name := path.Clean(m[1])
				if missing(repo, name) && missing(repo, path.Join(path.Dir(p.name), name)) {
					findings = append(findings, fmt.Sprintf("%s:%d: %s does not exist", p.name, i+1, m[1]))
				}
			}
		}
	}
	return findings
}

func TestCheckPaths(t *testing.T) {
	check(checkPaths).run(t, []planted{
		{
			name: "files, folders, files beside the page, and other things with a slash",
			tree: map[string]string{
				"go.work": "", "fuzz/go.mod": "", "hashring/a.go": "",
				"docs/a.md":   "`hashring/a.go` `hashring/` `d/b.md` `application/json` `GET /x` `v1/v2`",
				"docs/d/b.md": "",
			},
		},
		{
			name: "moved and never made",
			tree: map[string]string{"go.work": "", "fuzz/go.mod": "", "docs/a.md": "see\n`hashring/b.go`, `nowhere/`"},
			wants: []string{
				"docs/a.md:2: hashring/b.go does not exist", "docs/a.md:2: nowhere/ does not exist",
			},
		},
	})
}

// checkBlocks finds Go blocks that no test runs: the lines of each must stand
// together in a file of examples. Indentation does not count.
func checkBlocks(repo *tree) []string {
	var examples []string
	for _, s := range repo.sources {
		if s.test && strings.Contains(path.Base(s.name), "example") {
			examples = append(examples, outdent(strings.Split(s.text, "\n")))
		}
	}
	var findings []string
	for _, p := range repo.pages {
		for _, b := range p.blocks {
			if b.lang != "go" {
				continue
			}
			code := outdent(b.lines)
			if !slices.ContainsFunc(examples, func(text string) bool { return strings.Contains(text, code) }) && whole(repo) {
				findings = append(findings, fmt.Sprintf("%s:%d: Go block stands in no example_test.go", p.name, b.line))
			}
		}
	}
	return findings
}

// outdent returns the lines without their indentation and without empty ones.
func outdent(lines []string) string {
	var sb strings.Builder
	sb.WriteByte('\n')
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			sb.WriteString(line + "\n")
		}
	}
	return sb.String()
}

func TestCheckBlocks(t *testing.T) {
	example := "package a_test\n\nfunc Example() {\n\tr := f()\n\n\tif r {\n\t\tg()\n\t}\n}\n"
	check(checkBlocks).run(t, []planted{
		{
			name: "a block that is run, and one that is not Go",
			tree: map[string]string{
				"go.work": "", "fuzz/go.mod": "", "a/example_test.go": example,
				"README.md": "```go\nr := f()\nif r {\n    g()\n}\n```\n```text\nr := h()\n```\n",
			},
		},
		{
			name: "a block that went stale",
			tree: map[string]string{
				"go.work": "", "fuzz/go.mod": "", "a/example_test.go": example, "a/other_test.go": strings.ReplaceAll(example, "f()", "h()"),
				"README.md": "\n- item\n  ```go\n  r := h()\n  ```\n",
			},
			wants: []string{"README.md:4: Go block"},
		},
	})
}
