package main

import (
	"errors"
	"io/fs"

	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/budget"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/cli"
	"github.com/clusterluck/clusterluck/cmd/ringbench/internal/result"
)

// fileError gives an error of a result or a budget file its exit code: 5 for a
// file that is not there, 2 for one that cannot be used.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cli.NotFoundf("%s: no such file", path)
	case errors.Is(err, budget.ErrBudget):
		return cli.Usagef("%s: %w", path, err)
	case errors.Is(err, result.ErrCorrupt), errors.Is(err, result.ErrSchema):
		return cli.Usagef("%w", err) // it names the file
	default:
		return cli.Failedf("%w", err)
	}
}

// loadResult reads a result of run.
func loadResult(path string) (*result.File, error) {
	f, err := result.Load(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	return f, nil
}
