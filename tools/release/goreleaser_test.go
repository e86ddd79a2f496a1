package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// goReleaserVersion is the one that the release workflow installs.
const goReleaserVersion = "v2.16.0"

var real = flag.Bool("goreleaser", false, "rehearse with GoReleaser itself, which takes minutes to compile")

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "goreleaser" {
		if err := standIn(os.Args[1:]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// goReleaser returns a folder that has it, or what stands in for it.
func goReleaser(t *testing.T) (bin string) {
	bin = t.TempDir()
	if !*real {
		program, err := os.Executable()
		require.NoError(t, err)
		require.NoError(t, os.Symlink(program, filepath.Join(bin, "goreleaser")))
		return bin
	}
	// Without optimizations, to compile it takes a third of the time.
	cmd := exec.Command("go", "install", "-gcflags=all=-N -l", "-ldflags=-s -w", "github.com/goreleaser/goreleaser/v2@"+goReleaserVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+bin)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

func TestGoReleaserVersion(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), ".github", "workflows", "release.yml"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "version: "+goReleaserVersion+"\n", "what is rehearsed is what releases")
}

// standIn asks GitHub what GoReleaser asks: for a draft, new or left by an earlier
// try, and then for it to be published.
func standIn(args []string) error {
	option := func(name string) (text []byte) {
		for _, arg := range args {
			if file, found := strings.CutPrefix(arg, name+"="); found {
				text, _ = os.ReadFile(file)
			}
		}
		return text
	}
	tag, config := os.Getenv("GORELEASER_CURRENT_TAG"), string(option("--config"))
	if !strings.Contains(config, "\nversion: 2\n") {
		return fmt.Errorf("no configuration of its kind: %q", config)
	}
	if args[0] == "check" || slices.Contains(args, "--skip=validate,announce,publish") {
		return nil
	}
	release := ghRelease{
		Tag: tag, Name: tag, Body: string(option("--release-notes")), Draft: true,
		Prerelease: strings.Contains(config, "\n  prerelease: true\n"),
	}
	releases := os.Getenv("GITHUB_API_URL") + "/repos/" + os.Getenv("GITHUB_REPOSITORY") + "/releases"
	var drafts []ghRelease
	if err := ask("GET", releases+"?page=all", nil, &drafts); err != nil {
		return err
	}
	method, at := "POST", releases
	for _, d := range drafts {
		if d.Draft && d.Tag == tag {
			method, at = "PATCH", fmt.Sprint(releases, "/", d.ID)
		}
	}
	if err := ask(method, at, release, &release); err != nil {
		return err
	}
	release.Draft, release.MakeLatest = false, os.Getenv("MAKE_LATEST")
	if release.Prerelease {
		release.MakeLatest = "false"
	}
	return ask("PATCH", fmt.Sprint(releases, "/", release.ID), release, &release)
}

func ask(method, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("GITHUB_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return errors.New(response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
