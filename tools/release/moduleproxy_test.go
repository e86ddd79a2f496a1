package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/gostateful/session/tests/support/gotool"
)

// A publicProxy is a module proxy as the public one: it fetches a version from
// its tag in the remote when it is first asked for it. The modules of others it has
// from the user's module cache and proxy, which hear nothing of ours.
type publicProxy struct {
	URL, dir string
	clone    string // of the remote: x/mod/zip wants no bare repository
	cache    string // what the user has downloaded
	user     string // where the user gets the rest

	mu       sync.Mutex
	tooEarly []string // versions asked for before they were tagged, which it remembers
}

func newPublicProxy(t *testing.T, remote string) *publicProxy {
	p := &publicProxy{dir: t.TempDir(), clone: filepath.Join(t.TempDir(), "clone")}
	user := strings.Split(gotool.Run(t, p.dir, "off", "env", "GOMODCACHE", "GOPROXY"), "\n")
	p.cache = filepath.Join(user[0], "cache", "download")
	p.user, _, _ = strings.Cut(strings.ReplaceAll(user[1], "|", ","), ",")
	_, err := output(".", "git", "clone", "--quiet", "--no-checkout", remote, p.clone)
	require.NoError(t, err)
	files := http.FileServer(http.Dir(p.dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		escaped, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		path, err := module.UnescapePath(escaped)
		dir, ours := strings.CutPrefix(path, project)
		if !strings.HasPrefix(path+"/", strings.TrimSuffix(project, "session/")) {
			p.others(w, r)
			return
		}
		if err != nil || !ours || file == "" {
			http.NotFound(w, r)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if file == "list" {
			p.list(w, dir)
			return
		}
		version := strings.TrimSuffix(file, filepath.Ext(file))
		if _, err := os.Stat(filepath.Join(p.dir, filepath.FromSlash(r.URL.Path))); err != nil {
			if err := p.fetch(dir, module.Version{Path: path, Version: version}); err != nil {
				p.tooEarly = append(p.tooEarly, path+"@"+version)
				t.Logf("the module proxy: %v", err)
			}
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

func (p *publicProxy) fetch(dir string, v module.Version) error {
	tag := dir + "/" + v.Version
	if _, err := output(p.clone, "git", "fetch", "--quiet", "--force", "--tags", "origin"); err != nil {
		return err
	}
	mod, err := output(p.clone, "git", "show", "refs/tags/"+tag+":"+dir+"/go.mod")
	if err != nil {
		return err
	}
	versions := filepath.Join(p.dir, filepath.FromSlash(v.Path), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(versions, v.Version+".zip"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := zip.CreateFromVCS(file, v, p.clone, tag, dir); err != nil {
		return err
	}
	for name, text := range map[string]string{".mod": mod, ".info": `{"Version":"` + v.Version + `","Time":"2026-01-01T00:00:00Z"}`} {
		if err := os.WriteFile(filepath.Join(versions, v.Version+name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// list answers with the versions that are tagged.
func (p *publicProxy) list(w http.ResponseWriter, dir string) {
	if _, err := output(p.clone, "git", "fetch", "--quiet", "--force", "--tags", "origin"); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	tags, err := output(p.clone, "git", "tag", "--list", dir+"/v*")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for tag := range strings.FieldsSeq(tags) {
		fmt.Fprintln(w, strings.TrimPrefix(tag, dir+"/"))
	}
}

// others answers for what is not under the project's path.
func (p *publicProxy) others(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(p.cache, filepath.FromSlash(r.URL.Path))
	if _, err := os.Stat(name); err == nil && !strings.HasSuffix(name, "list") { // that of a cache is not whole
		http.ServeFile(w, r, name)
	} else if strings.HasPrefix(p.user, "http") {
		http.Redirect(w, r, strings.TrimSuffix(p.user, "/")+r.URL.EscapedPath(), http.StatusTemporaryRedirect)
	} else {
		http.NotFound(w, r)
	}
}

// environment has the go command use it, and nothing else.
func (p *publicProxy) environment() []string {
	return []string{"GOPROXY=" + p.URL, "GONOPROXY=none", "GOSUMDB=off"}
}

// asked fails the test if a version was asked for before it was there.
func (p *publicProxy) asked(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(t, p.tooEarly, "asked of the module proxy before the tag was there, which the public one remembers")
}
