package explore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// All that the explorer knows of the engine's API is in this file.

// The clocks of the engine under test. They are far apart, so that a jump
// crosses the ones that it is meant to cross and no other, and all are far
// longer than the pauses of the engine.
const (
	idleTimeout   = time.Hour
	touchInterval = time.Minute // what IdleTimeout makes of it
	window        = 3 * time.Minute
	renewEvery    = 10 * time.Minute
	storeTimeout  = 10 * time.Second
)

// data is what a session holds: the tags of the updates that were made to it.
// Each update adds a tag of its own, so a tag that is missing, twice or out of
// order shows what went wrong.
type data struct{ Tags []string }

// plain is quicker than JSON.
var plain = session.Codec{
	Name:    "tags",
	Marshal: func(v any) ([]byte, error) { return []byte(strings.Join(v.(*data).Tags, " ")), nil },
	Unmarshal: func(b []byte, v any) error {
		v.(*data).Tags = strings.Fields(string(b))
		return nil
	},
}

// A setting is how an engine is set up, other than by default.
type setting struct {
	renews   bool   // RenewEvery is set
	lifetime bool   // Lifetime is no longer than IdleTimeout
	cookie   string // its name, unless it is cookieName
	former   string // a former name of it
	realm    string
	device   bool // sessions are bound; the interval is renewEvery
}

// renewing tells whether a request that changes nothing may get a new secret.
func (s setting) renewing() bool { return s.renews || s.device }

// An engine is the code under test, over the explorer's store.
type engine struct {
	m *session.Manager[data]
	setting
}

func newEngine(store session.Store, s setting) (*engine, error) {
	o := &session.Options{
		IdleTimeout: idleTimeout, StoreTimeout: storeTimeout, StragglerWindow: window, Realm: s.realm, Codec: plain,
		Logger: slog.New(slog.DiscardHandler), Observer: observe,
	}
	if s.renews {
		o.RenewEvery = renewEvery
	}
	if s.lifetime {
		o.Lifetime = idleTimeout
	}
	if s.device {
		o.Device = session.Device{Path: "/device", Interval: renewEvery}
	}
	if s.cookie == "" {
		s.cookie = cookieName
	}
	o.Cookie.Name = s.cookie
	if s.former != "" {
		o.Cookie.Former = []session.Cookie{{Name: s.former}}
	}
	m, err := session.New[data](store, o)
	return &engine{m, s}, err
}

// observe notes what the engine tells of an operation.
func observe(ctx context.Context, e session.Event) {
	if a, known := ctx.Value(actorKey{}).(*actor); known && a.op != nil {
		a.op.tells = append(a.op.tells, e.Kind)
	}
}

const (
	cookieName  = "__Host-session"
	newCookie   = "__Host-new"
	otherCookie = "__Host-other"
)

// A request is one passage through the engine, as an adapter makes it.
type request struct {
	e *engine
	x session.Exchange
	s *session.Session[data]
}

func (e *engine) begin(ctx context.Context, name, token string) *request {
	r := &request{e: e}
	var lines []string
	if token != "" {
		lines = []string{name + "=" + token}
	}
	r.x.Begin(ctx, e.m, lines)
	return r
}

// A view is a session as a request sees it. The zero ID: it has none.
type view struct {
	id    session.ID
	tags  []string
	owner string
	isNew bool
}

func (r *request) view() view {
	if r.s == nil {
		return view{}
	}
	return view{r.s.ID(), r.s.Data().Tags, r.s.Subject(), r.s.IsNew()}
}

func (r *request) get() (err error) {
	r.s, err = r.e.m.Get(&r.x)
	return err
}

func add(tag string) func(*data) error {
	return func(d *data) error {
		d.Tags = append(d.Tags, tag)
		return nil
	}
}

func (r *request) update(tag string) error    { return r.s.Update(add(tag)) }
func (r *request) login(subject string) error { return r.s.Login(subject, nil) }
func (r *request) renew() error               { return r.s.Renew() }
func (r *request) destroy() error             { return r.s.Destroy() }
func (r *request) drop()                      { r.s.Discard() }

func (r *request) take(ctx context.Context, tag string) error {
	_, err := session.Take(ctx, r.s, func(d *data) string {
		d.Tags = append(d.Tags, tag)
		return tag
	})
	return err
}

func (r *request) peek() (tags []string, subject string, err error) {
	info, err := r.e.m.Peek(&r.x)
	return info.Data.Tags, info.Subject, err
}

func (r *request) commitNow(ctx context.Context) error { return r.s.Commit(ctx) }

// send commits, as before the first byte of the response.
func (r *request) send() (session.Header, error) { return r.x.Commit(session.Response{}) }

func (r *request) touch(ctx context.Context) error { return r.s.Touch(ctx) }

func (r *request) register(challenge, key string) (session.DeviceAnswer, error) {
	return session.RegisterDevice(&r.x, r.e.m, challenge, []byte(key))
}

func (r *request) ask(id session.ID) (session.DeviceAnswer, error) {
	return session.RefreshDevice(&r.x, r.e.m, id, "", nil)
}

func (r *request) refresh(id session.ID, challenge, key string) (session.DeviceAnswer, error) {
	return session.RefreshDevice(&r.x, r.e.m, id, challenge, func(known []byte) bool { return string(known) == key })
}

func (r *request) finish() error { return r.x.Finish() }
func (r *request) discard()      { r.x.Discard() }

func (e *engine) job(ctx context.Context, id session.ID, tag string) error {
	return e.m.Update(ctx, id, add(tag))
}

func (e *engine) revoke(ctx context.Context, id session.ID) error { return e.m.Revoke(ctx, id) }

func (e *engine) revokeAll(ctx context.Context, subject string) error {
	_, err := e.m.RevokeAll(ctx, subject)
	return err
}

var errPeeked = errors.New("only looking")

// peek tells what is stored of a session, and whether it lives.
func (e *engine) peek(ctx context.Context, id session.ID) (tags []string, live bool, err error) {
	err = e.m.Update(ctx, id, func(d *data) error {
		tags = d.Tags
		return errPeeked
	})
	switch {
	case errors.Is(err, errPeeked):
		return tags, true, nil
	case errors.Is(err, session.ErrNotFound):
		return nil, false, nil
	}
	return nil, false, err
}

// parseCookies reads the Set-Cookie lines of a response. An empty token takes
// the cookie away. A former cookie is taken away with each.
func (e *engine) parseCookies(lines []string) (token string, err error) {
	var names []string
	for i, line := range lines {
		c, err := http.ParseSetCookie(line)
		switch {
		case err != nil:
			return "", err
		case c.MaxAge >= 0 && c.Name != e.cookie:
			return "", errors.New("a former cookie is set")
		case c.MaxAge >= 0 && i < len(lines)-1:
			return "", errors.New("a cookie is removed after the present one is set")
		case c.MaxAge >= 0:
			token = c.Value
		}
		names = append(names, c.Name)
	}
	want := []string{e.cookie}
	if e.former != "" {
		want = append(want, e.former)
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		return "", fmt.Errorf("cookies %v, want %v", names, want)
	}
	return token, nil
}

// parseOffer returns the challenge of an offer to register.
func (e *engine) parseOffer(header string) string {
	_, challenge, _ := strings.Cut(header, `challenge="`)
	return strings.TrimSuffix(challenge, `"`)
}

// An answer is how an operation of the engine ended.
type answer string

const (
	ok         answer = "ok"
	superseded answer = "superseded" // 409: the secret is an old one
	gone       answer = "gone"       // the session has ended
	unknown    answer = "unknown"    // the store failed: done, not done, or not yet
	conflict   answer = "conflict"
	tooLate    answer = "too late" // the header is sent
	failed     answer = "failed"
)

func classify(err error) answer {
	switch {
	case err == nil:
		return ok
	case errors.Is(err, session.ErrUnavailable):
		return unknown
	case errors.Is(err, session.ErrSuperseded):
		return superseded
	case errors.Is(err, session.ErrConflict):
		return conflict
	case errors.Is(err, session.ErrNotFound):
		return gone
	case errors.Is(err, session.ErrHeadersSent):
		return tooLate
	}
	return failed
}
