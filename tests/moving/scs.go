package moving

import (
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	session "github.com/gostateful/session/core"
)

// FromSCS moves the sessions of alexedwards/scs. Its methods run inside LoadAndSave,
// which runs inside the adapter's middleware.
type FromSCS struct {
	Move
	SCS *scs.SessionManager
}

// old is what scs has loaded for a request.
func (f *FromSCS) old(r *http.Request) Old {
	ctx := r.Context()
	_, err := r.Cookie(f.SCS.Cookie.Name)
	old := Old{Cookie: err == nil, Secret: f.SCS.Token(ctx)}
	old.End = func() error { return f.SCS.Destroy(ctx) }
	old.Info.Subject = f.SCS.GetString(ctx, "user")
	old.Info.Data.Items, _ = f.SCS.Get(ctx, "items").([]string)
	if at := f.SCS.GetInt64(ctx, "at"); at != 0 {
		old.Info.AuthenticatedAt = time.UnixMilli(at)
	}
	return old
}

// Middleware is for the first release with f.Together, and for the second with
// f.NowAlone.
func (f *FromSCS) Middleware(follow Follow) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := follow(r.Context(), f.old(r)); err != nil {
				session.Error(w, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Login logs in to both, while old servers run.
func (f *FromSCS) Login(r *http.Request, user string) error {
	ctx := r.Context()
	s, err := f.Sessions.Get(ctx)
	if err != nil {
		return err
	}
	if err := f.SCS.RenewToken(ctx); err != nil {
		return unavailable(err)
	}
	f.SCS.Put(ctx, "user", user)
	f.SCS.Put(ctx, "at", time.Now().UnixMilli())
	return s.Login(user, nil)
}

// Logout logs out of both, in each release.
func (f *FromSCS) Logout(r *http.Request) error {
	s, err := f.Sessions.Get(r.Context())
	if err != nil {
		return err
	}
	if err := f.SCS.Destroy(r.Context()); err != nil {
		return unavailable(err) // and nothing has ended
	}
	return s.Destroy()
}
