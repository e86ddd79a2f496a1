package account_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/plainadapter"
	"github.com/gostateful/session/core/internal/plainstore"
)

// visit is the data of the tests' sessions.
type visit struct {
	Browser string
	Secret  string
}

// A site is an application with a login.
type site struct {
	*session.Manager[visit]
	*http.ServeMux
	t     *testing.T
	store *plainstore.Store

	failing string // the method of the store that fails, or "all"
	failed  bool
}

func newSite(t *testing.T, opts *session.Options) *site {
	t.Helper()
	si := &site{ServeMux: http.NewServeMux(), t: t, store: plainstore.New()}
	si.store.Around = func(_ context.Context, method string, _ session.ID, call func() error) error {
		if si.failing == method || si.failing == "all" {
			si.failed = true
			return errors.New("connection refused to redis.internal")
		}
		return call()
	}
	m, err := session.New[visit](si.store, opts)
	if err != nil {
		t.Fatal(err)
	}
	si.Manager = m
	si.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		s := si.session(r)
		if err := s.Login(r.FormValue("user"), nil); err != nil {
			t.Error(err)
		}
		err := s.Update(func(v *visit) error {
			*v = visit{Browser: r.FormValue("browser"), Secret: "pin 1234"}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	return si
}

// spoil makes the record of the visitor's session unreadable.
func (si *site) spoil(v *visitor) {
	si.t.Helper()
	_, token, _ := strings.Cut(v.cookie, "=")
	decoded, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		si.t.Fatal(err)
	}
	id := session.ID(decoded[:16])
	r, ok := si.store.Records[id]
	if !ok {
		si.t.Fatalf("no session %s", id)
	}
	r.Data = []byte("spoiled")
	si.store.Records[id] = r
}

func (si *site) session(r *http.Request) *session.Session[visit] {
	s, err := si.Get(r.Context())
	if err != nil {
		si.t.Fatal(err)
	}
	return s
}

func (si *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainadapter.Wrap(si.t, si.Manager, si.ServeMux).ServeHTTP(w, r)
}

// A visitor is a browser or a script, with one cookie at most.
type visitor struct {
	*site
	cookie string
}

// login returns a visitor who is logged in.
func (si *site) login(user, browser string) *visitor {
	si.t.Helper()
	v := &visitor{site: si}
	v.again(user, browser)
	return v
}

// again logs in with the cookie that the visitor has.
func (v *visitor) again(user, browser string) {
	v.t.Helper()
	if got := v.do("POST", "/login?user="+user+"&browser="+browser); got.status != 200 {
		v.t.Fatalf("login: status %d", got.status)
	}
}

// An answer is a response that has been read.
type answer struct {
	status int
	http.Header
	body string
}

// do sends a request with headers, given as names and values.
func (v *visitor) do(method, target string, headers ...string) answer {
	v.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", v.cookie)
	}
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	result := w.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range result.Cookies() {
		v.cookie = c.Name + "=" + c.Value
		if c.MaxAge < 0 {
			v.cookie = ""
		}
	}
	return answer{result.StatusCode, result.Header, string(body)}
}

// page is how a browser asks for a page.
var page = []string{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode", "navigate"}
