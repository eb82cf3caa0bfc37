package keys_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/keys"
)

// The time left is estimated from the steps made, so together they must be as
// many as were announced, for every kind of source.
func TestProgressIsToldOfEveryStep(t *testing.T) {
	text := strings.Repeat("some key\nother\n", 20_000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	plain, gz := filepath.Join(t.TempDir(), "keys.txt"), filepath.Join(t.TempDir(), "keys.gz")
	for path, data := range map[string][]byte{plain: []byte(text), gz: packed.Bytes()} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, spec  string
		size, steps int64
		whole       bool // whether to copy the text too
	}{
		{"bytes of a file", "file:" + plain, int64(len(text)), int64(len(text)), false},
		{"packed bytes of a packed file", "file:" + gz, int64(packed.Len()), int64(packed.Len()), false},
		{"keys of a generator", "seq:n=3000", 3000, 3000, false},
		{"lines of a log that is made", "accesslog:n=3000", 3000, 3000, true},
		{"records of stdin, of which nobody knows how many", "-", 0, 40_000, false},
		{"records of what ships", "words", 0, 104_334, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source, err := keys.Parse(tt.spec, keys.Format{})
			if err != nil {
				t.Fatal(err)
			}
			if got := source.Size(); got != tt.size {
				t.Errorf("Size = %d, want %d", got, tt.size)
			}
			var steps, calls atomic.Int64
			c := keys.Config{Seed: 1, Stdin: strings.NewReader(text), Progress: func(n int64) {
				steps.Add(n)
				calls.Add(1)
			}}
			if _, err := source.Load(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if steps.Load() != tt.steps || calls.Load() < 2 {
				t.Errorf("Load told of %d steps in %d calls, want %d in some", steps.Load(), calls.Load(), tt.steps)
			}
			if !tt.whole {
				return
			}
			steps.Store(0)
			if err := source.WriteText(t.Context(), c, io.Discard); err != nil || steps.Load() != tt.steps {
				t.Errorf("WriteText told of %d steps, %v, want %d", steps.Load(), err, tt.steps)
			}
		})
	}
}
