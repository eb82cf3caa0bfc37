package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesArriveWhole(t *testing.T) {
	for _, size := range []int{0, 1, 300_000, 20 << 20} {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{1}).Read(data)
		path := filepath.Join(t.TempDir(), "data.bin")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{path}, &out, &errs); code != 0 {
			t.Fatalf("exit %d: %s", code, errs.String())
		}
		want := fmt.Sprintf("there: %d bytes of data.bin arrived, sha256 %x\nhere: %d bytes came back, the same\n", size, sha256.Sum256(data), size)
		if out.String() != want {
			t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "usage"},
		{[]string{"a", "b"}, 2, "usage"},
		{[]string{filepath.Join(t.TempDir(), "no.txt")}, 1, "no.txt"},
		{[]string{t.TempDir()}, 1, "is a directory"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), tt.args, &out, &errs); code != tt.code || !strings.Contains(errs.String(), tt.says) {
			t.Errorf("%v: exit %d, said %q, want %d and %q in it", tt.args, code, errs.String(), tt.code, tt.says)
		}
	}
}
