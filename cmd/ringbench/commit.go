package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// sourceCommit names the commit of the source that go run compiled, which does
// not record it: that of the working folder, with "+changes" if files differ
// from it. It is "" for an installed command, which may run in any folder, and
// where there is no git.
func sourceCommit(ctx context.Context) string {
	if info, ok := debug.ReadBuildInfo(); !ok || info.Main.Version != "" && info.Main.Version != "(devel)" {
		return ""
	}
	return checkedOut(func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", args...).Output()
		return strings.TrimSpace(string(out)), err
	})
}

// checkedOut asks git for the commit. It takes no commit of another project.
func checkedOut(git func(args ...string) (string, error)) string {
	top, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(top, "cmd", "ringbench", "go.mod")); err != nil {
		return ""
	}
	commit, err := git("rev-parse", "HEAD")
	if err != nil || commit == "" {
		return ""
	}
	if changes, err := git("status", "--porcelain"); err != nil || changes != "" {
		commit += "+changes"
	}
	return commit
}
