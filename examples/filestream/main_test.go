package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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

// Those who put the same name at once must not overwrite each other.
func TestOneOfManyPutsWins(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var ready, done sync.WaitGroup
	won := make(chan string, 8)
	ready.Add(cap(won))
	for i := range cap(won) {
		done.Go(func() {
			text := strconv.Itoa(i)
			first := sync.OnceFunc(func() { ready.Done(); ready.Wait() }) // all are past the first look
			_, err := put(root, "name", readerFunc(func(p []byte) (int, error) {
				first()
				return copy(p, text), io.EOF
			}))
			switch {
			case err == nil:
				won <- text
			case !errors.Is(err, errExists):
				t.Error(err)
			}
		})
	}
	done.Wait()
	if len(won) != 1 {
		t.Fatalf("%d of %d succeeded", len(won), cap(won))
	}
	if got, err := root.ReadFile("name"); string(got) != <-won || err != nil {
		t.Errorf("the file has %q, %v", got, err)
	}
	dir, err := fs.ReadDir(root.FS(), ".")
	if err != nil || len(dir) != 1 {
		t.Errorf("%d files are there, %v", len(dir), err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

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
