package account

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// Devices returns a handler with which users see where they are logged in, and
// end those sessions (OWASP ASVS 5.0, 7.5.2 and 7.4.3):
//
//   - GET / lists the caller's sessions, the last used first, as a JSON array
//     of objects. An object has id, createdAt, authenticatedAt, lastUsedAt,
//     expiresAt and binding, as in [session.Info]. Its current is true for the
//     session of this browser. Its device is what DevicesOptions.Describe
//     returns;
//   - DELETE /{id} ends one of them, DELETE /others all but the current one,
//     and DELETE /all all of them: the caller is signed out everywhere. The
//     answer is 204, or 404 if the caller has no such session, whether another
//     user has it or nobody.
//
// Clients must spell these paths exactly: without a slash at the end, and
// without escapes. Only / may also be the empty path. Any other path is 404,
// and any other method 405.
//
// Mount it inside the adapter's middleware of the manager. Like
// [http.FileServer], it does not know where it is mounted. With any router, use
// [http.StripPrefix] with the path of the mount, without a slash at its end.
// Otherwise each request is 404.
//
// The caller must be logged in. To revoke, the login must also be as recent as
// the guard demands. Otherwise the answer is that of [RequireLogin]. Requests
// from other origins that revoke get 403. To end the current session is the
// same as [session.Session.Destroy], and removes the cookie. No cache may store
// an answer.
//
// A session whose data cannot be decoded is listed like the others, so that it
// can be revoked. Describe gets a zero T for it.
func Devices[T any](m *session.Manager[T], g Guard, opts *DevicesOptions[T]) http.Handler {
	d := devices[T]{manager: m, guard: g}
	var protection *http.CrossOriginProtection
	if opts != nil {
		d.describe, protection = opts.Describe, opts.CrossOrigin
	}
	if protection == nil {
		protection = http.NewCrossOriginProtection()
	}
	d.revoking = protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.serve(w, r, d.guard, d.revoke)
	}))
	return d
}

// DevicesOptions for [Devices]. A nil *DevicesOptions and the zero value of each field
// mean the default.
type DevicesOptions[T any] struct {
	// Describe returns what the owner of a session may see of it, such as the name
	// of the browser, which the application put into the data at the login.
	// encoding/json must be able to encode it. The default shows no data.
	Describe func(session.Info[T]) any

	// CrossOrigin decides which requests of other origins may revoke sessions. The
	// default refuses them all. If the application trusts scripts of other origins,
	// set its own protection. The bypass patterns are matched against the path that
	// Devices sees.
	CrossOrigin *http.CrossOriginProtection
}

type devices[T any] struct {
	manager  *session.Manager[T]
	guard    Guard
	describe func(session.Info[T]) any
	revoking http.Handler // revoke, behind the protection
}

// These paths name all sessions but the current one, and all sessions. No ID
// looks like them.
const (
	others = "others"
	all    = "all"
)

func (d devices[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	name, found := nameOf(r)
	switch {
	case !found:
		http.NotFound(w, r)
	case name == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		guard := d.guard
		guard.Within = 0
		d.serve(w, r, guard, d.list)
	case name == "":
		notAllowed(w, "GET, HEAD")
	case r.Method == http.MethodDelete:
		d.revoking.ServeHTTP(w, r)
	default:
		notAllowed(w, "DELETE")
	}
}

// nameOf returns what the path names: an ID, others or all, and "" for the
// list. It reads the path as it was sent. If it decoded x%2Fothers, it would
// see two segments where the router before saw one.
func nameOf(r *http.Request) (name string, found bool) {
	path := r.URL.EscapedPath()
	if path == "" || path == "/" {
		return "", true
	}
	name, found = strings.CutPrefix(path, "/")
	_, err := session.ParseID(name)
	return name, found && (err == nil || name == others || name == all)
}

// serve lets act answer the requests that the guard accepts.
func (d devices[T]) serve(w http.ResponseWriter, r *http.Request, g Guard, act func(http.ResponseWriter, *http.Request, *session.Session[T]) error) {
	asked := requestOf(r)
	if refusal := Check(r.Context(), d.manager, g, asked); refusal != nil {
		refusal.answer(w)
		return
	}
	s, err := d.manager.Get(r.Context())
	if err == nil {
		err = act(w, r, s)
	}
	switch {
	case errors.Is(err, errNoDevice):
		http.Error(w, "no such session", http.StatusNotFound)
	case err != nil:
		refuse(asked, session.HTTPStatus(err), err).answer(w)
	}
}

func notAllowed(w http.ResponseWriter, allow string) {
	w.Header().Set("Allow", allow)
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// A device is a session as its owner sees it. The names are those of session.Info.
type device struct {
	ID              session.ID      `json:"id"`
	Current         bool            `json:"current"`
	CreatedAt       time.Time       `json:"createdAt,omitzero"` // zero if the record cannot be read at all
	AuthenticatedAt time.Time       `json:"authenticatedAt,omitzero"`
	LastUsedAt      time.Time       `json:"lastUsedAt"`
	ExpiresAt       time.Time       `json:"expiresAt"`
	Binding         session.Binding `json:"binding,omitempty"`
	Device          any             `json:"device,omitempty"`
}

func (d devices[T]) list(w http.ResponseWriter, r *http.Request, s *session.Session[T]) error {
	infos, err := d.infos(r, s)
	if err != nil {
		return err
	}
	list := make([]device, 0, len(infos))
	for _, info := range infos {
		shown := device{
			ID: info.ID, Current: info.ID == s.ID(),
			CreatedAt: info.CreatedAt, AuthenticatedAt: info.AuthenticatedAt, LastUsedAt: info.LastUsedAt, ExpiresAt: info.ExpiresAt, Binding: info.Binding,
		}
		if d.describe != nil {
			shown.Device = d.describe(info)
		}
		list = append(list, shown)
	}
	body, err := json.Marshal(list)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n')) // the client left, or the commit failed: the adapter deals with both
	return nil
}

// infos returns the caller's sessions, including those that cannot be decoded.
func (d devices[T]) infos(r *http.Request, s *session.Session[T]) ([]session.Info[T], error) {
	infos, err := d.manager.List(r.Context(), s.Subject())
	if errors.Is(err, session.ErrUndecodable) {
		err = nil
	}
	return infos, err
}

var errNoDevice = errors.New("account: no such session of the caller")

// revoke ends the session that the path names. It looks for it among the
// caller's own, so that the answer reveals nothing about the sessions of
// others.
//
// No store deletes by subject and ID at once. If another user logs in with the
// same browser between the look and the deletion, their session ends: they have
// to log in again, and nothing of theirs is shown. A session that was not the
// caller's at the look cannot be hit. RevokeAll, with all others as exceptions,
// would respect the subject. But it would end each login of the caller that is
// newer than the list, which is the worse mistake.
func (d devices[T]) revoke(w http.ResponseWriter, r *http.Request, s *session.Session[T]) error {
	name, _ := nameOf(r)
	switch name {
	case others:
		_, err := d.manager.RevokeAll(r.Context(), s.Subject(), s.ID())
		return noContent(w, err)
	case all:
		return noContent(w, s.DestroyAll(r.Context()))
	}
	id, err := session.ParseID(name)
	if err != nil {
		return errNoDevice
	}
	if id == s.ID() {
		return noContent(w, s.Destroy())
	}
	infos, err := d.infos(r, s)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(infos, func(info session.Info[T]) bool { return info.ID == id }) {
		return errNoDevice
	}
	return noContent(w, d.manager.Revoke(r.Context(), id))
}

func noContent(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}
