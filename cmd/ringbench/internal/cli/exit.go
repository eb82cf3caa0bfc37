package cli

import (
	"context"
	"errors"
	"fmt"
)

// The exit codes of both commands of this project.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitUnreachable = 3
	ExitRefused     = 4
	ExitNotFound    = 5
	ExitDegraded    = 6
	ExitTimeout     = 7
	ExitBudget      = 8
	ExitInterrupted = 130
)

// ExitCodes is the table of exit codes as --help prints it.
const ExitCodes = `Exit codes:
  0    ok
  1    failed
  2    usage: a flag, an argument or an input file that cannot be used
  3    unreachable (cmd/clusterluck only)
  4    refused (cmd/clusterluck only)
  5    not found: a file that does not exist
  6    degraded (cmd/clusterluck only)
  7    timed out (cmd/clusterluck only)
  8    a budget or a threshold was exceeded
  130  interrupted
`

// An ExitError is an error that decides the exit code of the command.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the text of the cause.
func (e *ExitError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// Usagef returns an error that exits 2: the command line, the environment, the
// config file or an input file cannot be used as it is.
func Usagef(format string, args ...any) error {
	return &ExitError{Code: ExitUsage, Err: fmt.Errorf(format, args...)}
}

// NotFoundf returns an error that exits 5.
func NotFoundf(format string, args ...any) error {
	return &ExitError{Code: ExitNotFound, Err: fmt.Errorf(format, args...)}
}

// Failedf returns an error that exits 1.
func Failedf(format string, args ...any) error {
	return &ExitError{Code: ExitFailed, Err: fmt.Errorf(format, args...)}
}

// BudgetFailed returns an error that exits 8: the work was done, and what it
// found is outside the limits that the user set.
func BudgetFailed(format string, args ...any) error {
	return &ExitError{Code: ExitBudget, Err: fmt.Errorf(format, args...)}
}

// Code returns the exit code of err: 0 for nil, the code of an [ExitError],
// 130 for a cancelled context, 1 for anything else.
func Code(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &exit):
		return exit.Code
	default:
		return ExitFailed
	}
}
