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
	"context"
	"errors"
	"net/http"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/internal/dbsc"
)

// Handler returns the handler of [session.Device.Path]. Mount it inside the adapter's
// middleware of the manager, for POST, outside of what asks for a login, and where no
// middleware changes the session. For frameworks that are not on net/http there is
// [Answer].
//
// The browser calls it by itself, once after a login and then before a request that
// needs another cookie. The query of a refresh names the session. No script can send
// the headers. The answers are
//
//   - 200 with the instructions of the draft and the cookie: the browser goes on;
//   - 403 with a challenge: it signs that, and comes again;
//   - 400: it gives up the session. The answer does not tell whether the session is
//     over, was never there, or is another device's;
//   - 405 for other methods than POST;
//   - 503 for what may pass, and 500 for mistakes: the browser comes again. With a 4xx
//     other than 403 it would give up the session, so no 409 of [session.Error] is sent
//     (https://github.com/w3c/webappsec-dbsc/issues/249). A refresh that a login has
//     overtaken gets 503 too: 400 would end that login in the browser.
func Handler(m session.AnyManager) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := Answer(r.Context(), m, Request{Method: r.Method, Query: r.URL.RawQuery, Header: func(name string) string { return one(r.Header[name]) }})
		header := w.Header()
		for name, values := range answer.Header {
			header[name] = values
		}
		w.WriteHeader(answer.Status)
		_, _ = w.Write(answer.Body) // the browser left, or the commit failed; both are the adapter's
	})
}

// one is the value of a header field that has one line. A proxy may have judged the
// other of two.
func one(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	return lines[0]
}

// A Request is what [Answer] needs to know of one.
type Request struct {
	Method string
	Query  string                   // of the URL, without the question mark
	Header func(name string) string // the value of a header field; "" if there is none, or more than one line
}

// A Response is what the browser is to get. The adapter adds the cookie.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Answer does what [Handler] does, for any framework. ctx is what a handler passes to
// Manager.Get.
func Answer(ctx context.Context, m session.AnyManager, r Request) Response {
	if r.Method != http.MethodPost {
		refused := respond(http.StatusMethodNotAllowed)
		refused.Header.Set("Allow", http.MethodPost)
		return refused
	}
	path, cookie, attributes := session.DeviceCookie(m)
	answer, identifier, err := act(ctx, m, r, cookie)
	switch {
	case errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrUndecodable):
		return respond(http.StatusBadRequest)
	case err != nil && session.HTTPStatus(err) == http.StatusConflict: // another request was faster
		failed := respond(http.StatusServiceUnavailable)
		failed.Header.Set("Retry-After", "1")
		return failed
	case err != nil:
		failed := respond(session.HTTPStatus(err))
		if added, ok := session.ErrorHeader(err); ok {
			added.AddTo(failed.Header)
		}
		return failed
	}
	done := respond(http.StatusForbidden)
	if answer.Done {
		body := dbsc.Instructions(identifier, dbsc.RefreshURL(path, answer.ID.String()), cookie, attributes)
		done = Response{http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body}
	}
	done.Header.Set("Cache-Control", "no-store")
	done.Header.Set(dbsc.Challenge, dbsc.Ask(answer.Challenge, identifier))
	return done
}

func respond(status int) Response {
	return Response{status, http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"text/plain; charset=utf-8"}}, []byte(http.StatusText(status) + "\n")}
}

// scripted reports whether a script has sent the request. One that was injected into
// a page can read the offer of a response, and send a proof by a key of its own. Its
// author would then have the session anywhere, which HttpOnly keeps from them. A
// browser registers in the mode no-cors (seen with Chromium 156), in which a script
// cannot set the header of a proof (Fetch standard, 2.2.2). Clients without the field
// are no present browsers.
func (r *Request) scripted() bool {
	mode := r.Header("Sec-Fetch-Mode")
	return mode != "" && mode != "no-cors"
}

// act registers or refreshes, and returns the browser's name for the session.
// ErrNotFound means that the browser has nothing to show.
func act(ctx context.Context, m session.AnyManager, r Request, cookie string) (answer session.DeviceAnswer, identifier string, err error) {
	var proof dbsc.Proof
	text, signed := dbsc.Text(r.Header(dbsc.Response))
	if signed {
		if proof, err = dbsc.ParseProof(text); err != nil {
			return answer, "", session.ErrNotFound
		}
	}
	// A browser gives up a session whose name changes in a refresh. So it gets its own
	// again, also if the cookie has another name by now.
	identifier, refreshes := dbsc.Text(r.Header(dbsc.SessionID))
	switch {
	case refreshes:
		answer, err = r.refresh(ctx, m, proof, signed)
	case r.scripted() || !signed || !proof.Verify(proof.Key):
		err = session.ErrNotFound
	default:
		answer, err = session.RegisterDevice(ctx, m, proof.Challenge, proof.Key)
		identifier = dbsc.Identifier(cookie, r.Header("Origin"), answer.ID.String())
	}
	return answer, identifier, err
}

// refresh refreshes the session that the query names, or asks for a signature.
func (r *Request) refresh(ctx context.Context, m session.AnyManager, proof dbsc.Proof, signed bool) (session.DeviceAnswer, error) {
	name, _ := dbsc.Refreshed(r.Query)
	id, err := session.ParseID(name)
	switch {
	case err != nil || id.IsZero():
		return session.DeviceAnswer{}, session.ErrNotFound
	case !signed:
		return session.RefreshDevice(ctx, m, id, "", nil)
	}
	return session.RefreshDevice(ctx, m, id, proof.Challenge, proof.Verify)
}
