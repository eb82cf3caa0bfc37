package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// unreadable gives the error of an input file its exit code and its text, the
// same for every kind of file: 5 for one that is not there, 2 for one that
// cannot be read, such as a folder.
func unreadable(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return cli.NotFoundf("%s: no such file", path)
	}
	return cli.Usagef("%s: %w", path, plainCause(err))
}

// fileError does so for a result or a budget file, which may also hold
// something else.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, budget.ErrBudget):
		return cli.Usagef("%s: %w", path, err)
	case errors.Is(err, result.ErrCorrupt), errors.Is(err, result.ErrSchema):
		return cli.Usagef("%w", err) // it names the file
	default:
		return unreadable(path, err)
	}
}

// creatable returns the error that writing the file at path would end in: no
// such folder, no permission, a folder of that name. It leaves nothing behind.
func creatable(path string) error {
	probe := func() error {
		if info, err := os.Stat(path); err == nil {
			if info.IsDir() {
				return errors.New("it is a directory; name a file in it")
			}
			if !info.Mode().IsRegular() {
				return nil // a device or a pipe, which opening would disturb
			}
		}
		target := path
		if linked, err := filepath.EvalSymlinks(path); err == nil {
			target = linked
		}
		f, err := os.CreateTemp(filepath.Dir(target), ".ringbench.*.tmp")
		if err != nil {
			return plainCause(err)
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err := probe(); err != nil {
		return cli.Failedf("write %s: %w", path, err)
	}
	return nil
}

// plainCause takes the operation and the path out of an error of a file, since
// the message names the file as the user does.
func plainCause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// loadResult reads a result of run.
func loadResult(path string) (*result.File, error) {
	f, err := result.Load(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	return f, nil
}
