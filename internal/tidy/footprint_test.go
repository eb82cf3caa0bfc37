package tidy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed returns the modules that "go list -m all" lists in a new module that
// imports hashring from the root module in dir and nothing else, the two
// modules themselves left out. The lines of more are added to its go.mod.
func listed(t *testing.T, dir, more string) []string {
	t.Helper()
	scratch := plant(t, map[string]string{
		"go.mod": "module example.com/scratch\n\ngo 1.24\n\nrequire " + project + " v0.0.0\n\nreplace " + project + " => " + dir + "\n" + more,
		"a.go":   "package scratch\n\nimport _ \"" + project + "/hashring\"\n",
	})
	if sums, err := os.ReadFile(filepath.Join(dir, "go.sum")); err == nil {
		if err := os.WriteFile(filepath.Join(scratch, "go.sum"), sums, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"GOWORK=off", "GOFLAGS=-mod=mod"}
	if _, err := goCommand(scratch, env, "build", "./..."); err != nil {
		t.Fatal(err)
	}
	out, err := goCommand(scratch, env, "list", "-m", "all")
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line != "example.com/scratch" && !strings.HasPrefix(line, project+" ") {
			modules = append(modules, line)
		}
	}
	return modules
}

// Who imports the ring gets the ring: the whole list is pinned, so that any
// new name in it is a decision.
func TestFootprint(t *testing.T) {
	dir, _ := repository(t)
	if got := listed(t, dir, ""); !slices.Equal(got, ringListed) {
		t.Errorf("a module that imports only hashring lists\n%s\nwant\n%s",
			strings.Join(got, "\n"), strings.Join(ringListed, "\n"))
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), strings.Join(ringListed, "\n")) {
		t.Errorf("README.md does not list\n%s", strings.Join(ringListed, "\n"))
	}
}

// A library that any package of the root requires must show.
func TestListedShowsWhatIsRequired(t *testing.T) {
	dir := plant(t, map[string]string{
		"go.mod":        "module " + project + "\n\ngo 1.24\n\nrequire example.com/heavy v0.0.0\n",
		"hashring/a.go": "package hashring\n",
		"other/a.go":    "package other\n\nimport _ \"example.com/heavy\"\n",
		"heavy/go.mod":  "module example.com/heavy\n\ngo 1.24\n",
		"heavy/a.go":    "package heavy\n",
	})
	heavy := filepath.Join(dir, "heavy")
	got := listed(t, dir, "\nreplace example.com/heavy => "+heavy+"\n")
	if want := []string{"example.com/heavy v0.0.0 => " + heavy}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}
