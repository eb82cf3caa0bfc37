//go:build unix

package cli_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
)

// What is no regular file, such as /dev/stdout, is written to. A bug here would
// replace it, so the test has a pipe of its own.
func TestWriteFileWritesToDevices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := cli.WriteFile(path, text("gone")); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Fatalf("the pipe became %v, %v", info.Mode(), err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "gone" {
		t.Errorf("the reader got %q, %v; want gone", got, err)
	}
}
