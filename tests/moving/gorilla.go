package moving

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"

	session "github.com/gostateful/session/core"
)

// FromGorilla moves the sessions of gorilla/sessions. Its methods run inside the
// adapter's middleware.
type FromGorilla struct {
	Move
	Store sessions.Store
	Name  string // of the session, and of its cookie

	// SignsOnly: the store is a CookieStore without an encryption key. It gives two
	// visitors with equal data equal cookies. So only logins are moved.
	SignsOnly bool
}

// old is what the store has for a request. A cookie that is invalid or has expired
// counts as no cookie. Any other error is an outage.
func (f *FromGorilla) old(w http.ResponseWriter, r *http.Request) (Old, error) {
	s, err := f.Store.Get(r, f.Name)
	var invalid securecookie.Error
	if err != nil && !(errors.As(err, &invalid) && invalid.IsDecode()) {
		return Old{}, unavailable(err)
	}
	cookie, err := r.Cookie(f.Name)
	old := Old{Cookie: err == nil}
	old.End = func() error {
		s.Options.MaxAge = -1
		return s.Save(r, w)
	}
	if s.IsNew {
		return old, nil
	}
	old.Info.Subject, _ = s.Values["user"].(string)
	old.Info.Data.Items, _ = s.Values["items"].([]string)
	if at, ok := s.Values["at"].(int64); ok {
		old.Info.AuthenticatedAt = time.UnixMilli(at)
	}
	switch {
	case s.ID != "": // of a store on the server
		old.Secret = s.ID
	case !f.SignsOnly || old.Info.Subject != "":
		old.Secret = cookie.Value
	}
	return old, nil
}

// Middleware is for the first release with f.Together, and for the second with
// f.NowAlone.
func (f *FromGorilla) Middleware(follow Follow) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			old, err := f.old(w, r)
			if err != nil {
				session.Error(w, err)
				return
			}
			if _, err := follow(r.Context(), old); err != nil {
				session.Error(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Login logs in to both, while old servers run. A store on the server makes another
// ID for an empty one. So whoever knew the former ID does not get into the login.
func (f *FromGorilla) Login(w http.ResponseWriter, r *http.Request, user string) error {
	s, err := f.Sessions.Get(r.Context())
	if err != nil {
		return err
	}
	old, _ := f.Store.Get(r, f.Name) // Middleware has seen the error
	old.ID = ""
	old.Values["user"], old.Values["at"] = user, time.Now().UnixMilli()
	if err := old.Save(r, w); err != nil {
		return unavailable(err)
	}
	return s.Login(user, nil)
}

// Logout logs out of both, in each release.
func (f *FromGorilla) Logout(w http.ResponseWriter, r *http.Request) error {
	s, err := f.Sessions.Get(r.Context())
	if err != nil {
		return err
	}
	old, err := f.old(w, r)
	if err != nil {
		return err
	}
	if old.Cookie {
		if err := old.End(); err != nil {
			return unavailable(err) // and nothing has ended
		}
	}
	return s.Destroy()
}
