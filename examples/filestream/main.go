// Command filestream sends a file from one node to another as a stream, and
// fetches it back, without either node holding it in memory.
//
//	go run ./examples/filestream examples/shardmap/keys.txt
//
// The nodes are two in one process, connected over loopback; what is sent goes
// through the network all the same. Flow control lets the sender run at most
// 256 KiB ahead of who reads.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clusterluck/clusterluck/transport"
	"github.com/clusterluck/clusterluck/transport/genserver"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program. It returns the exit code: 0, 1 for a failure, or 2 for
// wrong arguments.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: filestream FILE")
		return 2
	}
	if err := send(ctx, stdout, args[0]); err != nil {
		fmt.Fprintf(stderr, "filestream: %v\n", err)
		return 1
	}
	return 0
}

// errExists is found by its code on the node of the caller, too.
var errExists = genserver.NewError("exists", "a file of that name is there already")

// A receipt says what arrived.
type receipt struct {
	Bytes int64  `cbor:"bytes"`
	Sum   string `cbor:"sum"`
}

// store is the init of a server that keeps files in a folder. It works in
// goroutines, so that several files are on their way at once.
func store(dir string) func(ctx context.Context, s *genserver.Server) error {
	return func(_ context.Context, s *genserver.Server) error {
		root, err := os.OpenRoot(dir) // no name leads out of it
		if err != nil {
			return err
		}
		s.OnStop(func(error) { root.Close() })
		genserver.HandleReader(s, "put",
			func(ctx context.Context, from genserver.From, name string, body io.Reader) (receipt, error) {
				return genserver.Async(ctx, from, func(context.Context) (receipt, error) { return put(root, name, body) })
			})
		genserver.HandleStream(s, "get",
			func(_ context.Context, _ genserver.From, name string, _ io.Reader) (int64, io.Reader, error) {
				f, err := root.Open(name)
				if err != nil {
					return 0, nil, err
				}
				info, err := f.Stat()
				if err != nil {
					f.Close()
					return 0, nil, err
				}
				return info.Size(), f, nil // closed when it has been read
			})
		return nil
	}
}

// put writes a file whole or not at all. Of several that put the same name at
// once one succeeds.
func put(root *os.Root, name string, body io.Reader) (receipt, error) {
	if _, err := root.Stat(name); err == nil {
		return receipt{}, errExists // before the work is done; Link decides
	}
	part := name + "." + rand.Text() + ".part"
	f, err := root.Create(part)
	if err != nil {
		return receipt{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), body)
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Link(part, name) // unlike Rename, it replaces nothing
	}
	if errors.Is(err, fs.ErrExist) {
		err = errExists
	}
	if err = errors.Join(err, root.Remove(part)); err != nil {
		return receipt{}, err
	}
	return receipt{n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// send sends a file to another node and fetches it back.
func send(ctx context.Context, out io.Writer, path string) error {
	dir, err := os.MkdirTemp("", "filestream")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cookie := transport.NewCookie()
	var nodes [2]*transport.Kernel
	for i, id := range []string{"here", "there"} {
		k, err := transport.Start(ctx, transport.Config{ID: id, Addr: "127.0.0.1:0", Cookie: cookie})
		if err != nil {
			return err
		}
		defer k.Close()
		nodes[i] = k
	}
	here, there := nodes[0], nodes[1]
	if _, err := genserver.Start(there, "files", store(dir)); err != nil {
		return err
	}
	if _, err := here.Connect(ctx, there.Addr()); err != nil {
		return err
	}

	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	name := filepath.Base(path)
	got, err := genserver.CallReader[receipt](ctx, here, "files@there", "put", name, f)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "there: %d bytes of %s arrived, sha256 %s\n", got.Bytes, name, got.Sum)
	again, err := os.Open(path) // the first has been read to its end
	if err != nil {
		return err
	}
	defer again.Close()
	if _, err := genserver.CallReader[receipt](ctx, here, "files@there", "put", name, again); !errors.Is(err, errExists) {
		return fmt.Errorf("a second put of %s ended with %v, not with %q", name, err, errExists)
	}

	size, body, err := genserver.OpenStream[int64](ctx, here, genserver.Message{Ref: "files@there", Event: "get", Value: name})
	if err != nil {
		return err
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return err
	}
	if back := hex.EncodeToString(sum.Sum(nil)); back != got.Sum {
		return fmt.Errorf("%s came back with sha256 %s, not %s", name, back, got.Sum)
	}
	fmt.Fprintf(out, "here: %d bytes came back, the same\n", size)
	return nil
}
