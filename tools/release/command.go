package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(r.scratch, "index")}
	for _, args := range [][]string{{"read-tree", "HEAD"}, {"add", "--all", "."}} {
		if _, err := run(r.ctx, r.root, env, "git", args...); err != nil {
			return "", err
		}
	}
	return run(r.ctx, r.root, env, "git", "write-tree")
}

// checkout writes the files of a tag into a folder, and leaves no trace of that
// in the repository.
func (r *repository) checkout(tag, dir string) error {
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(r.scratch, "index")}
	for _, args := range [][]string{{"read-tree", "refs/tags/" + tag}, {"checkout-index", "--all", "--force", "--prefix=" + dir + "/"}} {
		if _, err := run(r.ctx, r.root, env, "git", args...); err != nil {
			return err
		}
	}
	return nil
}

// clean returns an error unless the tree is what is committed.
func (r *repository) clean() error {
	dirty, err := r.git("status", "--porcelain", "--untracked-files=normal")
	if err == nil && dirty != "" {
		err = fmt.Errorf("the tree is not what is committed; commit or undo these first:\n%s", dirty)
	}
	return err
}
