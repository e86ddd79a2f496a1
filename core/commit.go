package session

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gostateful/session/core/internal/dbsc"
)

// commitNow stores what is pending while the handler runs. If only is not nil,
// it stores that change, and refuses it beside other pending changes.
func (v *visit) commitNow(ctx context.Context, only *change) error {
	waiting := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		waiting, stop = context.WithDeadline(waiting, deadline)
		defer stop()
	}
	if err := v.gate.enter(waiting); err != nil {
		return err
	}
	defer v.leave()
	if at := v.gate.at(); at == committing || at == over {
		return ErrHeadersSent
	}
	if only != nil {
		if v.dirty() {
			return errTakeBeside
		}
		if err := v.add(*only); err != nil {
			return err
		}
	}
	return v.flush(ctx, true)
}

// commit stores what is pending when the response begins. If the session has
// ended meanwhile, its changes are dropped, as if they had come before the end
// (law 2). flush has reported that.
func (v *visit) commit(receives bool) error {
	v.gate.become(committing)
	v.receives = receives
	err := v.flush(v.ctx, false)
	if err != nil && err != errEnded {
		v.gate.become(over)
		return err
	}
	v.recordUse()
	v.receives = false
	v.gate.become(sent)
	return nil
}

// finish stores what was changed since the response began.
func (v *visit) finish() error {
	err := v.flush(v.ctx, false)
	if err == errEnded {
		err = nil
	}
	if err == nil {
		v.recordUse()
	}
	v.typed.inspect()
	return err
}

// discard drops what is pending: the handler panicked (law 10).
func (v *visit) discard() {
	if v.dirty() {
		ended := &v.base
		if v.ending != nil {
			ended = v.ending
		}
		v.note(EventDiscarded, ended.id, ended.subject, time.Time{}, errors.New("session: the handler panicked"))
	}
	v.ending = nil
	v.drop()
}

// recordUse does what is due after a use of the session: it renews the secret,
// notes the first use of the last renewal, or touches. It tries once and cannot
// fail the request: what is due stays due for the next request.
func (v *visit) recordUse() {
	if !v.used.Load() || v.refusal.err != nil || v.base.sealed != nil || !v.base.proof.opens() || v.base.proof == trusted {
		return
	}
	now := time.Now()
	if v.renewalDue(now) == noRenewal && !v.firstUse() {
		switch {
		case !v.touchDue(now):
		case v.base.env.remembered():
			// A login during the request may have shortened the clocks. keepAlive looks
			// first.
			_ = v.keepAlive(context.WithoutCancel(v.ctx))
		default:
			v.touch(v.ctx)
		}
		return
	}
	p := v.makePlan(now)
	if v.sendable(&p) != nil {
		return
	}
	b := detach(v.ctx, now.Add(v.engine.opts.StoreTimeout))
	defer b.stop()
	started := v.engine.started()
	switch err := v.send(b, &p); {
	case err == nil:
		v.settle(&p, started)
	case !promises(err):
		v.note(EventError, p.rec.ID, v.base.subject, started, unavailable("renew", err))
	}
}

// Header is what the session adds to the header of a response. An empty field
// adds nothing. [Header.AddTo] adds them all.
type Header struct {
	SetCookie    []string // add each as a line of its own
	TokenHeader  string   // the name of Options.Header.Response, set to Token
	Token        string   // empty if the session has ended
	Registration string   // set as Secure-Session-Registration: it asks the browser for a key of its device
	CacheControl string   // set in place of the handler's, because a cookie must not be cached; AddTo also switches off fields that some caches prefer
	Vary         string   // add, unless it is there
	RetryAfter   string   // set, unless it is there: seconds until the client may come again
}

// AddTo adds the fields to the header of a response: an [http.Header], or any
// other type with these methods.
func (h *Header) AddTo(header interface {
	Add(name, value string)
	Set(name, value string)
	Values(name string) []string
},
) {
	for _, line := range h.SetCookie {
		header.Add("Set-Cookie", line)
	}
	if h.TokenHeader != "" {
		header.Set(h.TokenHeader, h.Token)
	}
	if h.Registration != "" {
		header.Set(dbsc.Registration, h.Registration)
	}
	values := header.Values
	if h, ok := header.(http.Header); ok {
		values = func(name string) []string { return h[name] } // all names here are canonical
	}
	if h.CacheControl != "" {
		header.Set("Cache-Control", h.CacheControl)
		for _, field := range overriding {
			if len(values(field.name)) > 0 {
				header.Set(field.name, field.off)
			}
		}
	}
	if h.Vary != "" && !lists(values("Vary"), h.Vary) {
		header.Add("Vary", h.Vary)
	}
	if h.RetryAfter != "" && len(values("Retry-After")) == 0 {
		header.Set("Retry-After", h.RetryAfter)
	}
}

// overriding are the fields that some shared caches heed before Cache-Control, and how
// each forbids to keep a response: that of nginx, of the Edge Architecture (Varnish,
// Fastly), and of RFC 9213.
var overriding = []struct{ name, off string }{
	{"X-Accel-Expires", "0"},
	{"Surrogate-Control", "no-store"},
	{"Cdn-Cache-Control", "no-store"},
}

// lists reports whether the lines of a list header, such as Vary, contain name.
// Case does not count.
func lists(lines []string, name string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		for element := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(element), name) {
				return true
			}
		}
		return false
	})
}

// header is what the session adds to the response after a commit.
func (v *visit) header() Header {
	opts := &v.engine.opts
	h := Header{Vary: opts.requestHeader()}
	switch {
	case v.answer == keep:
	case opts.Header.Name != "":
		if h.TokenHeader = opts.Header.Response; v.answer == handOut {
			h.Token = v.token.encode()
		}
	case v.answer == handOut:
		// The present cookie comes last. A browser without Partitioned takes a former one
		// that differs in nothing else for the present one.
		h.SetCookie = append(opts.Cookie.removeFormer(), v.engine.line.carrying(&v.token, v.engine.cookieLasts(&v.base.env)))
	case v.answer == takeAway:
		h.SetCookie = opts.Cookie.remove()
	}
	if h.Registration = v.offer(); v.answer != keep {
		h.CacheControl = "no-store"
	}
	switch {
	case errors.Is(v.base.sealed, ErrUnavailable):
		return v.engine.failed(v.base.sealed, time.Time{})
	case v.refusal.told && v.refusal.err == ErrSuperseded:
		h.RetryAfter = retryAfter(v.refusal.until)
	}
	return h
}

// failed returns what is added to an error response. If err is a conflict,
// retry is when the client may come again.
func (e *engine) failed(err error, retry time.Time) Header {
	return failed(err, retry, e.opts.requestHeader())
}

func failed(err error, retry time.Time, vary string) Header {
	h := Header{CacheControl: "no-store", Vary: vary}
	switch HTTPStatus(err) {
	case http.StatusServiceUnavailable:
		h.RetryAfter = "1"
	case http.StatusConflict:
		h.RetryAfter = retryAfter(retry)
	}
	return h
}

// retryAfter is the number of seconds until at, and at least one (RFC 9110,
// 10.2.3).
func retryAfter(at time.Time) string {
	seconds := (time.Until(at) + time.Second - 1) / time.Second
	return strconv.Itoa(max(1, int(seconds)))
}

// shields reports whether this header keeps shared caches from giving the
// response to others (RFC 9111).
func (e *engine) shields(h http.Header) bool {
	if lists(h["Vary"], e.opts.requestHeader()) || lists(h["Vary"], "*") {
		return true
	}
	for _, field := range overriding {
		if len(h[field.name]) > 0 {
			return false
		}
	}
	for _, line := range h["Cache-Control"] {
		for directive := range strings.SplitSeq(line, ",") {
			directive = strings.TrimSpace(directive)
			if strings.EqualFold(directive, "no-store") || strings.EqualFold(directive, "private") {
				return true
			}
		}
	}
	return false
}
