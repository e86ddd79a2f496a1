package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
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
	url := fmt.Sprintf("%s/repos/%s/releases/tags/%s", g.api, g.repository, tag)
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
	response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return true, nil
	case http.StatusNotFound:
		return false, nil
	}
	return false, fmt.Errorf("GET %s: %s", url, response.Status)
}
