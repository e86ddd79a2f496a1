package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// run runs a program in a folder, with more in its environment, and returns what
// it prints, trimmed. Its error holds what the program complained of.
func run(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, complaint.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func (r *repository) git(args ...string) (string, error) {
	return run(r.ctx, r.root, nil, "git", args...)
}

// tree returns the tree object of what the working tree holds, committed or
// not, with new files but without ignored ones. It uses an index of its own.
func (r *repository) tree() (string, error) {
	env := []string{"GIT_INDEX_FILE=" + r.scratch + "/index"}
	if _, err := run(r.ctx, r.root, env, "git", "add", "--all", "."); err != nil {
		return "", err
	}
	return run(r.ctx, r.root, env, "git", "write-tree")
}
