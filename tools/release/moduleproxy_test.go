package main_test

import (
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
)

// A publicProxy is a module proxy as the public one: it fetches a version from
// its tag in the remote when it is first asked for it. What it has fetched is in
// a folder that serves as a proxy too.
type publicProxy struct {
	URL, dir string
	clone    string // of the remote: x/mod/zip wants no bare repository

	mu       sync.Mutex
	tooEarly []string // versions asked for before they were tagged, which it remembers
}

func newPublicProxy(t *testing.T, remote string) *publicProxy {
	p := &publicProxy{dir: t.TempDir(), clone: filepath.Join(t.TempDir(), "clone")}
	_, err := output(".", "git", "clone", "--quiet", "--no-checkout", remote, p.clone)
	require.NoError(t, err)
	files := http.FileServer(http.Dir(p.dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		escaped, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		path, err := module.UnescapePath(escaped)
		dir, ours := strings.CutPrefix(path, project)
		if err != nil || !ours || file == "" {
			http.NotFound(w, r)
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
	// Nobody may ask for the newest here: a consumer names versions, and the
	// folder has no list of them.
	for name, text := range map[string]string{".mod": mod, ".info": `{"Version":"` + v.Version + `","Time":"2026-01-01T00:00:00Z"}`} {
		if err := os.WriteFile(filepath.Join(versions, v.Version+name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// asked fails the test if a version was asked for before it was there.
func (p *publicProxy) asked(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(t, p.tooEarly, "asked of the module proxy before the tag was there, which the public one remembers")
}
