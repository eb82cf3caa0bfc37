package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// A golden file whose owners were taken out would hold with any ring.
func TestVerifyRefusesAFileWithoutOwners(t *testing.T) {
	workFolder(t)
	expect(t, 0, "verify --write golden.json --keys seq:n=3 --topology three.json --rf 2")
	text, err := os.ReadFile("golden.json")
	if err != nil {
		t.Fatal(err)
	}
	empty := regexp.MustCompile(`"owners":\[[^]]*\]`).ReplaceAll(text, []byte(`"owners":[]`))
	if err := os.WriteFile("empty.json", empty, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr := expect(t, 2, "verify empty.json"); !strings.Contains(stderr, `empty.json: not a golden file: key 1, "key-0": 0 owners where every key has 2`) {
		t.Errorf("stderr %q", stderr)
	}
}
