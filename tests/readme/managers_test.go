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

// TestTwoManagers runs what the READMEs of the stores show for two managers on
// one store, has a user log in to both, and repeats the commands that look.
func TestTwoManagers(t *testing.T) {
	for _, readme := range readmes {
		if readme.store == "" {
			continue
		}
		t.Run(readme.name, func(t *testing.T) {
			moves := readme.moves(t)
			move := strings.NewReplacer(moves...)
			_, text, found := strings.Cut(read(t, readme.name), "## Two managers on one store\n")
			require.True(t, found, "the README has no such section")
			text, _, _ = strings.Cut(text, "\n## ")

			imports := ""
			for _, path := range readme.imports {
				if strings.HasSuffix(path, "/stdlib") {
					imports += "_ "
				}
				imports += `"` + path + "\"\n"
			}
			program := strings.NewReplacer("IMPORTS", imports, "STORE", readme.store, "SHOWN", block(t, text, "go", "Realm")).Replace(twoManagersFrame)
			dir := module(t, map[string]string{"main.go": move.Replace(program)}, readme.brings...)
			gotool.Run(t, dir, "off", "build", "-o", "program")
			out, err := exec.Command(filepath.Join(dir, "program")).CombinedOutput()
			require.NoError(t, err, "%s", out)

			if len(moves) > 0 {
				transcript := block(t, text, "console", "$ ")
				assert.Equal(t, transcript, replay(t, move.Replace(transcript), moves...))
			}
		})
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
	"github.com/gostateful/session/core"
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
		if err == nil {
			err = customer.Login("42")
		}
		if err != nil {
			log.Fatal(err)
		}
		clerk, err := admin.Get(r.Context())
		if err == nil {
			err = clerk.Login("42")
		}
		if err != nil {
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
