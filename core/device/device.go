// Package device is the handler by which browsers bind a session to their device:
// Device Bound Session Credentials. It is experimental, as is [session.Device], which
// says what it does. The draft is that of
// https://w3c.github.io/webappsec-dbsc/, as Chromium 156 does it.
//
//	sessions, err := session.New[Visit](store, &session.Options{
//		Device: session.Device{Path: "/device"},
//	})
//	...
//	mux.Handle("POST /device", device.Handler(sessions))
//	log.Fatal(http.ListenAndServeTLS(":443", cert, key, nethttp.Middleware(sessions, nil)(mux)))
package device

import (
	"errors"
	"net/http"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/dbsc"
)

// Handler returns the handler of [session.Device.Path]. Mount it inside the adapter's
// middleware of the manager, for POST, outside of what asks for a login, and where no
// middleware changes the session.
//
// The browser calls it by itself, once after a login and then before a request that
// needs another cookie. The request is a registration, with a proof in the header
// Secure-Session-Response, or a refresh, with the session's ID in
// Sec-Secure-Session-Id. No script can send either. The answers are
//
//   - 200 with the instructions of the draft and the cookie: the browser goes on;
//   - 403 with a challenge: it signs that, and comes again;
//   - 400: it gives up the session. The answer does not tell whether the session is
//     over, was never there, or is another device's;
//   - 405 for other methods than POST;
//   - 503 for what may pass, and 500 for mistakes: the browser comes again. With a 4xx
//     other than 403 it would give up the session, so no 409 of [session.Error] is sent
//     (https://github.com/w3c/webappsec-dbsc/issues/249).
func Handler(m session.AnyManager) http.Handler { return handler{m} }

type handler struct{ manager session.AnyManager }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	answer, err := h.act(r)
	switch {
	case errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrUndecodable):
		refuse(w)
	case err != nil && session.HTTPStatus(err) == http.StatusConflict: // another request was faster
		w.Header().Set("Retry-After", "1")
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	case err != nil:
		session.Error(w, err)
	case !answer.Done:
		w.Header().Set(dbsc.Challenge, dbsc.Ask(answer.Challenge, answer.ID.String()))
		http.Error(w, "Sign the challenge.", http.StatusForbidden)
	default:
		path, cookie, attributes := session.DeviceCookie(h.manager)
		w.Header().Set(dbsc.Challenge, dbsc.Ask(answer.Challenge, answer.ID.String()))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(dbsc.Instructions(answer.ID.String(), path, cookie, attributes)) // the browser left; nobody to tell
	}
}

func refuse(w http.ResponseWriter) {
	http.Error(w, "This is no session of your device.", http.StatusBadRequest)
}

// scripted reports whether a script has sent the request. One that was injected into
// a page can read the offer of a response, and send a proof by a key of its own. Its
// author would then have the session anywhere, which HttpOnly keeps from them. A
// browser registers in the mode no-cors (seen with Chromium 156), in which a script
// cannot set the header of a proof (Fetch standard, 2.2.2). Clients without the field
// are no present browsers.
func scripted(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode != "" && mode != "no-cors"
}

// act registers or refreshes. ErrNotFound means that the browser has nothing to show.
func (h handler) act(r *http.Request) (session.DeviceAnswer, error) {
	proof, signed := dbsc.Text(r.Header[dbsc.Response])
	var parsed dbsc.Proof
	if signed {
		var err error
		if parsed, err = dbsc.ParseProof(proof); err != nil {
			return session.DeviceAnswer{}, session.ErrNotFound
		}
	}
	name, refresh := dbsc.Text(r.Header[dbsc.SessionID])
	if !refresh {
		if scripted(r) || !signed || !parsed.Verify(parsed.Key) {
			return session.DeviceAnswer{}, session.ErrNotFound
		}
		return session.RegisterDevice(r.Context(), h.manager, parsed.Challenge, parsed.Key)
	}
	id, err := session.ParseID(name)
	if err != nil || id.IsZero() {
		return session.DeviceAnswer{}, session.ErrNotFound
	}
	if !signed {
		return session.RefreshDevice(r.Context(), h.manager, id, "", nil)
	}
	return session.RefreshDevice(r.Context(), h.manager, id, parsed.Challenge, parsed.Verify)
}
