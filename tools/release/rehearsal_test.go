package main_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

const (
	project = "github.com/gostateful/session/"
	token   = "a-token-of-the-rehearsal"
)

// A rehearsal is a copy of the repository with a remote, a GitHub and a module
// proxy of its own, so that a release can be made for real.
type rehearsal struct {
	t      *testing.T
	dir    string // holds the clones
	tool   string // the command under test
	remote string // a bare repository
	clone  string
	pushes string // a file: a line for each push, with all its refs
	bin    string // has goreleaser
	github *gitHub
	proxy  *publicProxy
	env    []string // more of it, for the command

	// crash, unless empty, is at which change asked of GitHub the next command is
	// killed. The change is not carried out.
	crash string
}

// newRehearsal begins with what seed puts into a folder.
func newRehearsal(t *testing.T, seed func(dir string)) *rehearsal {
	r := &rehearsal{t: t, dir: t.TempDir(), tool: gotool.Build(t, "tools/release"), remote: filepath.Join(t.TempDir(), "session.git")}
	r.pushes = filepath.Join(t.TempDir(), "pushes")
	tree := t.TempDir()
	seed(tree)
	r.run(tree, "git", "init", "--quiet", "--initial-branch=main")
	r.run(tree, "git", "add", "--all")
	r.run(tree, "git", "commit", "--quiet", "--message=all: as it stands")
	r.run(tree, "git", "clone", "--quiet", "--bare", tree, r.remote)
	hook := "#!/bin/sh\nprintf '%s ' $(cut -d' ' -f3) >>'" + r.pushes + "'\necho >>'" + r.pushes + "'\n"
	require.NoError(t, os.WriteFile(filepath.Join(r.remote, "hooks", "post-receive"), []byte(hook), 0o755))

	r.github = newGitHub(t)
	r.proxy = newPublicProxy(t, r.remote)
	r.bin = goReleaser(t)
	r.cloneAgain()
	return r
}

// cloneAgain goes on in a fresh clone, as a workflow does.
func (r *rehearsal) cloneAgain() {
	var err error
	r.clone, err = os.MkdirTemp(r.dir, "clone-")
	require.NoError(r.t, err)
	r.run(r.dir, "git", "clone", "--quiet", r.remote, r.clone)
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), identity...)
	out, err := cmd.Output()
	return string(out), err
}

var identity = []string{
	"GIT_AUTHOR_NAME=rehearsal", "GIT_AUTHOR_EMAIL=rehearsal@example.com",
	"GIT_COMMITTER_NAME=rehearsal", "GIT_COMMITTER_EMAIL=rehearsal@example.com",
	"GIT_CONFIG_GLOBAL=" + os.DevNull, // no signing, no hooks
}

func (r *rehearsal) run(dir, name string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), identity...)
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

func (r *rehearsal) read(file string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.clone, file))
	require.NoError(r.t, err)
	return string(text)
}

func (r *rehearsal) write(file, text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.clone, file), []byte(text), 0o644))
}

// replace changes a file at the one place where it says old.
func (r *rehearsal) replace(file, old, text string) {
	r.t.Helper()
	before := r.read(file)
	require.Equal(r.t, 1, strings.Count(before, old), "%s: %q", file, old)
	r.write(file, strings.Replace(before, old, text, 1))
}

// notable adds to the unreleased part of a changelog.
func (r *rehearsal) notable(dir, text string) {
	r.replace(dir+"/CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Changed\n\n- "+text+"\n")
}

func (r *rehearsal) commit(subject string) {
	r.run(r.clone, "git", "add", "--all")
	r.run(r.clone, "git", "commit", "--quiet", "--message="+subject)
}

// merge is what merging a pull request does to the remote.
func (r *rehearsal) merge(subject string) {
	r.commit(subject)
	r.run(r.clone, "git", "push", "--quiet", "origin", "main")
	r.pushed() // not of the release
}

// release runs the command under test in the clone.
func (r *rehearsal) release(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.tool, args...)
	cmd.Dir = r.clone
	cmd.Env = append(os.Environ(), identity...)
	cmd.Env = append(cmd.Env, r.proxy.environment()...)
	cmd.Env = append(cmd.Env,
		"PATH="+r.bin+string(os.PathListSeparator)+os.Getenv("PATH"), "TMPDIR="+r.dir, // what a killed one leaves is removed with it
		"GITHUB_API_URL="+r.github.URL, "GITHUB_REPOSITORY=gostateful/session", "GITHUB_TOKEN="+token)
	cmd.Env = append(cmd.Env, r.env...)
	// A group of its own: what it started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	crash, started := r.crash, make(chan struct{})
	r.crash = ""
	r.github.before(func(change string) bool {
		if crash == "" || change != crash {
			return true
		}
		<-started
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) != nil
	})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(r.t, cmd.Start())
	close(started)
	err := cmd.Wait()
	r.t.Logf("release %s\n%s", strings.Join(args, " "), out.String())
	assert.NotContains(r.t, out.String(), token, "the token is a secret")
	return out.String(), err
}

func (r *rehearsal) must(args ...string) string {
	r.t.Helper()
	out, err := r.release(args...)
	require.NoError(r.t, err, "release %s", strings.Join(args, " "))
	return out
}

// refuses asks for something that must fail for the given reason, and undoes
// what that left in the tree.
func (r *rehearsal) refuses(reason string, args ...string) {
	r.t.Helper()
	out, err := r.release(args...)
	require.Error(r.t, err, "release %s", strings.Join(args, " "))
	require.Contains(r.t, out, reason)
	r.undo()
}

// undo makes the clone's tree what is committed.
func (r *rehearsal) undo() {
	r.run(r.clone, "git", "reset", "--quiet", "--hard")
	r.run(r.clone, "git", "clean", "--quiet", "--force", "-d")
}

// pushed returns the refs of each push since the last call.
func (r *rehearsal) pushed() (pushes []string) {
	r.t.Helper()
	text, err := os.ReadFile(r.pushes)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(r.t, err)
	require.NoError(r.t, os.Remove(r.pushes))
	for line := range strings.Lines(string(text)) {
		pushes = append(pushes, strings.TrimSpace(line))
	}
	return pushes
}
