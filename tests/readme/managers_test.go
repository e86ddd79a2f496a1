package readme

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// section is what the README of a store shows of two managers on one store.
func section(t *testing.T, text string) string {
	t.Helper()
	_, text, found := strings.Cut(text, "\n## Two managers on one store\n")
	require.True(t, found, "the README has no such section")
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// twoManagers is a program of what the README shows, in which a user logs in to
// both.
func (r *readme) twoManagers(t *testing.T, text string) string {
	t.Helper()
	return strings.NewReplacer("IMPORTS", strings.Join(r.imports, "\n"), "STORE", r.store, "SHOWN", block(t, section(t, text), "go", "Realm")).Replace(twoManagersFrame)
}

// testTwoManagers runs it, and repeats the commands that look at the store.
func (r *readme) testTwoManagers(t *testing.T, text, dir string, moves []string) {
	gotool.Run(t, dir, "off", "build", "-o", "two", "./managers")
	out, err := exec.Command(filepath.Join(dir, "two")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	if r.backend != nil {
		transcript := block(t, section(t, text), "console", "$ ")
		assert.Equal(t, transcript, replay(t, strings.NewReplacer(moves...).Replace(transcript), moves...))
	}
}

// twoManagersFrame is what the READMEs' two managers stand in.
const twoManagersFrame = `package main

import (
	"context"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	IMPORTS
)

type (
	Cart  struct{ Items []string }
	Staff struct{ Notes string }
)

func main() {
	store, mux, ctx := STORE, http.NewServeMux(), context.Background()
	SHOWN
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		customer, err := shop.Get(r.Context())
		if err != nil {
			log.Fatal(err)
		}
		if err := customer.Login("42", nil); err != nil {
			log.Fatal(err)
		}
		clerk, err := admin.Get(r.Context())
		if err != nil {
			log.Fatal(err)
		}
		if err := clerk.Login("42", nil); err != nil {
			log.Fatal(err)
		}
	})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("POST", "/login", nil))
	if n := len(w.Result().Cookies()); w.Code != 200 || n != 2 {
		log.Fatalf("a login to both answers %d with %d cookies", w.Code, n)
	}
	customers, err1 := shop.List(ctx, "42")
	clerks, err2 := admin.List(ctx, "42")
	if err1 != nil || err2 != nil || len(customers) != 1 || len(clerks) != 1 || customers[0].ID == clerks[0].ID {
		log.Fatal("customer 42 and clerk 42 are not two: ", customers, clerks, err1, err2)
	}
}
`
