package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A gitHub answers as GitHub's releases API does, as far as a release asks, and
// keeps what it was told.
type gitHub struct {
	URL string // of the API

	mu       sync.Mutex
	about    string // what it says of the repository, in JSON
	releases []*ghRelease
	changes  []string // the requests that change something: "POST core/v0.1.0"
	permit   func(change string) bool
}

// before has each change from now on carried out only if permit says so.
func (g *gitHub) before(permit func(change string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.permit = permit
}

// public is what GitHub says of the repository as it has to be.
const public = `{"full_name":"gostateful/session","private":false,"archived":false}`

// set changes what it knows.
func (g *gitHub) set(change func(*gitHub)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

type ghRelease struct {
	ID         int    `json:"id,omitempty"`
	Tag        string `json:"tag_name"`
	Name       string `json:"name"`
	Body       string `json:"body"`
	Draft      bool   `json:"draft"`
	Prerelease bool   `json:"prerelease"`
	MakeLatest string `json:"make_latest,omitempty"`
	URL        string `json:"html_url"`
}

func newGitHub(t *testing.T) *gitHub {
	g := &gitHub{about: public}
	mux := http.NewServeMux()
	const repository = "/api/v3/repos/gostateful/session"
	const releases = repository + "/releases"
	mux.HandleFunc("GET /api/v3/rate_limit", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"resources":{"core":{"limit":5000,"remaining":4999,"reset":4102444800}}}`)
	})
	mux.HandleFunc("GET "+repository, func(w http.ResponseWriter, _ *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		fmt.Fprint(w, g.about)
	})
	mux.HandleFunc("GET "+releases, g.list)
	mux.HandleFunc("GET "+releases+"/tags/{tag...}", g.byTag)
	mux.HandleFunc("POST "+releases, g.create)
	mux.HandleFunc("PATCH "+releases+"/{id}", g.edit)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("GitHub was asked for %s %s, which no release needs", r.Method, r.URL)
		http.NotFound(w, r)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL + "/api/v3"
	return g
}

func (g *gitHub) list(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shown := []*ghRelease{} // the newest first, on one page
	for i := len(g.releases) - 1; i >= 0 && r.FormValue("page") != "2"; i-- {
		shown = append(shown, g.releases[i])
	}
	json.NewEncoder(w).Encode(shown)
}

// byTag finds a release, but no draft: as on GitHub.
func (g *gitHub) byTag(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if found := g.published(r.PathValue("tag")); found != nil {
		json.NewEncoder(w).Encode(found)
		return
	}
	http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
}

func (g *gitHub) published(tag string) *ghRelease {
	for _, release := range g.releases {
		if release.Tag == tag && !release.Draft {
			return release
		}
	}
	return nil
}

func (g *gitHub) create(w http.ResponseWriter, r *http.Request) {
	var release ghRelease
	if err := json.NewDecoder(r.Body).Decode(&release); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !g.change(w, "POST "+release.Tag) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.published(release.Tag) != nil {
		http.Error(w, `{"message":"Validation Failed","errors":[{"code":"already_exists"}]}`, http.StatusUnprocessableEntity)
		return
	}
	release.ID = len(g.releases) + 1
	g.releases = append(g.releases, &release)
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(release)
}

func (g *gitHub) edit(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	g.mu.Lock()
	if id < 1 || id > len(g.releases) {
		g.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	release := g.releases[id-1]
	g.mu.Unlock()
	if !g.change(w, "PATCH "+release.Tag) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := json.NewDecoder(r.Body).Decode(release); err != nil { // what it does not name stays
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	json.NewEncoder(w).Encode(release)
}

// change notes a request that changes something, and reports whether to do it.
func (g *gitHub) change(w http.ResponseWriter, change string) bool {
	g.mu.Lock()
	g.changes = append(g.changes, change)
	permit := g.permit
	g.mu.Unlock()
	if !permit(change) {
		http.Error(w, `{"message":"Server Error"}`, http.StatusInternalServerError)
		return false
	}
	return true
}

// told returns the changes asked for since the last call.
func (g *gitHub) told() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.changes
	g.changes = nil
	return changes
}

// release returns the published release of a tag, of which there must be one.
func (g *gitHub) release(t *testing.T, tag string) *ghRelease {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var found []string
	for _, release := range g.releases {
		if release.Tag == tag {
			found = append(found, fmt.Sprintf("%d, draft: %v", release.ID, release.Draft))
		}
	}
	if release := g.published(tag); release != nil && len(found) == 1 {
		return release
	}
	t.Fatalf("%s has these releases, want one that is published: %s", tag, strings.Join(found, "; "))
	return nil
}
