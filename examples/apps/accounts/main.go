// Command accounts is an application for users and their administrator, on chi and
// SQLite. It has at most three devices for each user, "your devices", a change of
// password with a recent login or with a code that works once, and a page that shows
// everybody. It listens on localhost:8080. The users are ann and root, with the password "tea".
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite"

	sessionchi "github.com/gostateful/session/adapters/chi"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	sessionsql "github.com/gostateful/session/sql"
)

// Visit is what the server keeps of a visitor.
type Visit struct {
	Browser string // of the login
	Role    string // of the user, so that no page has to look it up
	Code    string // confirms a change of the password, once
}

type site struct {
	visits    *session.Manager[Visit]
	mu        sync.Mutex
	passwords map[string][]byte // hashes
	roles     map[string]string
}

func main() {
	db, err := sql.Open("sqlite", "file:accounts.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(50)")
	if err != nil {
		log.Fatal(err)
	}
	s, err := newSite(context.Background(), db)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", s.handler()))
}

func newSite(ctx context.Context, db *sql.DB) (*site, error) {
	store := sessionsql.New(db, sessionsql.SQLite, nil)
	visits, err := session.New[Visit](store, &session.Options{MaxPerSubject: 3})
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("tea"), bcrypt.MinCost)
	return &site{
		visits:    visits,
		passwords: map[string][]byte{"ann": hash, "root": hash},
		roles:     map[string]string{"ann": "customer", "root": "administrator"},
	}, errors.Join(err, store.Migrate(ctx), visits.Ping(ctx))
}

func (s *site) handler() http.Handler {
	guard := account.Guard{LoginURL: "/login"}
	recent := account.Guard{LoginURL: "/login", Within: 10 * time.Minute}
	devices := account.Devices(s.visits, recent, &account.DevicesOptions[Visit]{
		Describe: func(info session.Info[Visit]) any { return info.Data.Browser },
	})
	r := chi.NewRouter()
	r.Use(http.NewCrossOriginProtection().Handler, sessionchi.Middleware(s.visits, nil))
	r.Post("/login", s.login)
	r.Mount("/devices", http.StripPrefix("/devices", devices))
	r.Group(func(r chi.Router) {
		r.Use(account.RequireLogin(s.visits, guard))
		r.Post("/logout", s.visit(func(_ *http.Request, v *session.Session[Visit]) (any, error) { return "bye", v.Destroy() }))
		r.Post("/logout/everywhere", s.visit(func(r *http.Request, v *session.Session[Visit]) (any, error) {
			return "bye", v.DestroyAll(r.Context())
		}))
		r.Post("/password/code", s.visit(s.sendCode))
		r.Post("/password/confirm", s.visit(s.confirm))
	})
	r.With(account.RequireLogin(s.visits, recent)).Post("/password", s.visit(s.changePassword))
	r.Route("/admin", func(r chi.Router) {
		r.Use(account.RequireLogin(s.visits, recent))
		r.Get("/sessions", s.visit(s.everybody))
		r.Post("/roles", s.visit(s.setRole))
		r.Post("/logout", s.visit(s.endAll))
	})
	return r
}

// visit returns a handler that calls do with the session, and answers in JSON.
func (s *site) visit(do func(*http.Request, *session.Session[Visit]) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.visits.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		answer, err := do(r, v)
		switch {
		case errors.Is(err, errRefused):
			v.Discard()
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		case err != nil:
			v.Discard() // a login that could not be completed is no login
			session.Error(w, err)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		}
	}
}

var errRefused = errors.New("refused")

func (s *site) login(w http.ResponseWriter, r *http.Request) {
	s.visit(func(r *http.Request, v *session.Session[Visit]) (any, error) {
		user := r.FormValue("user")
		s.mu.Lock()
		hash, role := s.passwords[user], s.roles[user]
		s.mu.Unlock()
		if bcrypt.CompareHashAndPassword(hash, []byte(r.FormValue("password"))) != nil {
			return nil, errRefused
		}
		browser := r.UserAgent()
		err := errors.Join(v.Login(user, nil), v.Update(func(d *Visit) error {
			d.Browser, d.Role = browser, role
			return nil
		}))
		return "hello " + user, err
	})(w, r)
}

// sendCode would send the code by mail.
func (s *site) sendCode(_ *http.Request, v *session.Session[Visit]) (any, error) {
	code := rand.Text()
	return code, v.Update(func(d *Visit) error { d.Code = code; return nil })
}

// confirm changes the password with a code, which is good for one try.
func (s *site) confirm(r *http.Request, v *session.Session[Visit]) (any, error) {
	code, err := session.Take(r.Context(), v, func(d *Visit) string {
		code := d.Code
		d.Code = ""
		return code
	})
	if err != nil {
		return nil, err
	}
	if code == "" || code != r.FormValue("code") {
		return nil, errRefused
	}
	return s.changePassword(r, v)
}

// changePassword ends the user's other sessions, and renews the secret of this one.
func (s *site) changePassword(r *http.Request, v *session.Session[Visit]) (any, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(r.FormValue("new")), bcrypt.MinCost)
	if err != nil {
		return nil, errRefused
	}
	s.mu.Lock()
	s.passwords[v.Subject()] = hash
	s.mu.Unlock()
	ended, err := s.visits.RevokeAll(r.Context(), v.Subject(), v.ID())
	return map[string]int{"ended": ended}, errors.Join(err, v.Renew())
}

func (s *site) everybody(r *http.Request, v *session.Session[Visit]) (any, error) {
	if v.Data().Role != "administrator" {
		return nil, errRefused
	}
	users := map[string]int{}
	for info, err := range s.visits.All(r.Context()) {
		if err != nil {
			return nil, err
		}
		users[info.Subject]++
	}
	return users, nil
}

func (s *site) setRole(r *http.Request, v *session.Session[Visit]) (any, error) {
	if v.Data().Role != "administrator" {
		return nil, errRefused
	}
	user, role := r.FormValue("user"), r.FormValue("role")
	s.mu.Lock()
	s.roles[user] = role // first, so that a login from now on has it
	s.mu.Unlock()
	n, err := s.visits.UpdateAll(r.Context(), user, func(d *Visit) error { d.Role = role; return nil })
	return map[string]int{"changed": n}, err
}

func (s *site) endAll(r *http.Request, v *session.Session[Visit]) (any, error) {
	if v.Data().Role != "administrator" {
		return nil, errRefused
	}
	n, err := s.visits.RevokeAll(r.Context(), r.FormValue("user"))
	return map[string]int{"ended": n}, err
}
