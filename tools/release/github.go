package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

const publicAPI = "https://api.github.com"

// A github is the repository's place on GitHub, by the names that a workflow's
// environment has.
type github struct{ api, repository, token string }

func newGitHub() (*github, error) {
	g := &github{api: os.Getenv("GITHUB_API_URL"), repository: os.Getenv("GITHUB_REPOSITORY"), token: os.Getenv("GITHUB_TOKEN")}
	if g.api == "" || g.repository == "" || g.token == "" {
		return nil, errors.New("publish is for the release workflow, which sets GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN")
	}
	return g, nil
}

// released reports whether a tag has a release that everybody sees: a draft is
// what GoReleaser leaves when it is cut off.
func (g *github) released(ctx context.Context, tag string) (bool, error) {
	return g.get(ctx, "/releases/tags/"+tag, nil)
}

// visible returns an error unless go finds the repository at the modules' path. The
// module proxy would be waited for in vain.
func (g *github) visible(ctx context.Context) error {
	var repository struct {
		Name     string `json:"full_name"`
		Private  bool   `json:"private"`
		Archived bool   `json:"archived"`
	}
	found, err := g.get(ctx, "", &repository)
	switch {
	case err != nil:
		return err
	case !found || repository.Private:
		return fmt.Errorf("%s is not public, so the module proxy cannot see it", g.repository)
	case repository.Archived:
		return fmt.Errorf("%s is archived, so it takes no tag", g.repository)
	case !strings.EqualFold("github.com/"+repository.Name+"/", project):
		return fmt.Errorf("this is %s, and the modules say %s", repository.Name, project)
	}
	return nil
}

// get asks for something of the repository, and reports whether it is there.
func (g *github) get(ctx context.Context, path string, answer any) (bool, error) {
	url := g.api + "/repos/" + g.repository + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return false, nil
	case response.StatusCode != http.StatusOK:
		return false, fmt.Errorf("GET %s: %s", url, response.Status)
	case answer == nil:
		return true, nil
	}
	return true, json.NewDecoder(response.Body).Decode(answer)
}
