package nethttp_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
)

// outside is an outer handler that catches a panic, and looks at its request
// after the inner one has returned.
func outside(inside http.Handler, look func(r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer look(r)
		defer func() { _ = recover() }()
		inside.ServeHTTP(w, r)
	})
}

// TestOutsideSeesRequest: the outer request has the pattern and the form, as
// without the middleware, even after a panic.
func TestOutsideSeesRequest(t *testing.T) {
	for name, panics := range map[string]bool{"Returns": false, "Panics": true} {
		t.Run(name, func(t *testing.T) {
			items := http.NewServeMux()
			items.HandleFunc("POST /shop/items/{item}/{rest...}", func(_ http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				if panics {
					panic("out of bread")
				}
			})
			look := func(r *http.Request) {
				if r.Pattern != "POST /shop/items/{item}/{rest...}" || r.PostForm.Get("count") != "2" || r.Form.Get("gift") != "yes" {
					t.Errorf("outside, the request has the pattern %q and the forms %v, %v, want those of the handler", r.Pattern, r.PostForm, r.Form)
				}
				if r.PathValue("item") != "bread" || r.PathValue("rest") != "a/b" {
					t.Errorf("outside, the request has the path values %q, %q, want those of the handler", r.PathValue("item"), r.PathValue("rest"))
				}
			}
			sessions := nethttp.Middleware(newShop(t).Manager, nil)(items)
			around := http.NewServeMux()
			around.Handle("/shop/", outside(sessions, look)) // it has set a pattern by then
			for _, h := range []http.Handler{outside(sessions, look), around} {
				r := httptest.NewRequest("POST", "/shop/items/bread/a/b?gift=yes", strings.NewReader("count=2"))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// TestOutsideSeesPatternInTime: a writer outside knows the pattern when the header comes.
func TestOutsideSeesPatternInTime(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{item}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	counted := ""
	r := httptest.NewRequest("GET", "/items/bread", nil)
	w := counting{httptest.NewRecorder(), func(int) { counted = r.Pattern }}
	nethttp.Middleware(newShop(t).Manager, nil)(mux).ServeHTTP(w, r)
	if counted != "GET /items/{item}" {
		t.Errorf("outside, the request has the pattern %q when the header comes, want that of the route", counted)
	}
}

// counting is a writer of a middleware that counts responses.
type counting struct {
	http.ResponseWriter
	count func(status int)
}

func (w counting) WriteHeader(status int) {
	w.count(status)
	w.ResponseWriter.WriteHeader(status)
}

// TestFormFiles: the server still finds the temporary files of a form, and
// removes them when the handler is done, even after a panic.
func TestFormFiles(t *testing.T) {
	for name, panics := range map[string]bool{"Returns": false, "Panics": true} {
		t.Run(name, func(t *testing.T) {
			var form bytes.Buffer
			mw := multipart.NewWriter(&form)
			part, err := mw.CreateFormFile("file", "big.txt")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(part, strings.Repeat("big", 1000))
			mw.Close()

			t.Setenv("TMPDIR", t.TempDir())
			temporary := make(chan string, 1)
			sessions := nethttp.Middleware(newShop(t).Manager, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				defer close(temporary)
				if err := r.ParseMultipartForm(0); err != nil {
					t.Error(err)
					return
				}
				f, err := r.MultipartForm.File["file"][0].Open()
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				temporary <- f.(*os.File).Name()
				if panics {
					panic("out of bread")
				}
			}))
			server := httptest.NewServer(outside(sessions, func(*http.Request) {}))
			resp, err := server.Client().Post(server.URL, mw.FormDataContentType(), &form)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			server.Close() // waits for the request to end
			name := <-temporary
			if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file of an upload is left behind, after the request: %v", err)
			}
		})
	}
}
