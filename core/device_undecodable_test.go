package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"testing"

	session "github.com/gostateful/session/core"
)

// Law 16: a program that cannot read a bound session refreshes nothing, and ends
// nothing. It is told once, and a program that can read it goes on with the key and the
// challenge that the browser has.
func TestRefreshUndecodable(t *testing.T) {
	type other struct{ N []string } // cannot read the N of a cart
	for _, test := range []struct {
		name                   string
		cookie, newer, discard bool
		want                   []session.EventKind
	}{
		{name: "with the cookie", cookie: true, want: []session.EventKind{session.EventError}},
		{name: "without it", want: []session.EventKind{session.EventError}},
		{name: "of a newer release, with the cookie", cookie: true, newer: true, want: []session.EventKind{session.EventError}},
		{name: "of a newer release, without it", newer: true, want: []session.EventKind{session.EventError}},
		{name: "that would be discarded, with the cookie", cookie: true, discard: true, want: []session.EventKind{session.EventDiscarded, session.EventError}},
		{name: "that would be discarded, without it", discard: true, want: []session.EventKind{session.EventError}},
	} {
		t.Run(test.name, func(t *testing.T) {
			si := newSite(t, bindingOptions())
			l := si.bound("key")
			opts := bindingOptions()
			opts.DiscardUndecodable, opts.Observer, opts.Logger = test.discard, si.observe, slog.New(slog.DiscardHandler)
			m := program[other](t, si.store, opts)
			was := si.store.Records[l.id]
			if test.newer {
				si.store.Records[l.id] = inAnotherFormat(was)
			}
			stored := si.store.Records[l.id].Data
			held := &browser{}
			if test.cookie {
				held.cookie = l.cookie
			}
			x := new(session.Exchange)
			x.Begin(t.Context(), m, held.lines())
			a, err := session.RefreshDevice(x, m, l.id, l.challenge, func(key []byte) bool { return string(key) == l.key })
			if !errors.Is(err, session.ErrUndecodable) || session.HTTPStatus(err) != 500 {
				t.Errorf("got %+v, %v, want ErrUndecodable", a, err)
			}
			h, err := x.Commit(session.Response{})
			if err := errors.Join(err, x.Finish()); err != nil || len(h.SetCookie) != 0 {
				t.Errorf("the response: %v, %q", err, h.SetCookie)
			}
			if got := si.kinds(); !slices.Equal(got, test.want) {
				t.Errorf("events %v, want %v", got, test.want)
			}
			if !bytes.Equal(si.store.Records[l.id].Data, stored) {
				t.Error("the session was changed")
			}
			si.store.Records[l.id] = was
			if a, err := si.refresh(l); err != nil || !a.Done || si.data(&l.browser).N != 1 {
				t.Errorf("the program that can read it: %+v, %v", a, err)
			}
		})
	}
}

// With the cookie of a session that cannot be read, not even a challenge is told: the
// browser would sign in vain.
func TestChallengeUndecodable(t *testing.T) {
	type other struct{ N []string }
	si := newSite(t, bindingOptions())
	l := si.bound("key")
	opts := bindingOptions()
	opts.Logger = slog.New(slog.DiscardHandler)
	m := program[other](t, si.store, opts)
	x := new(session.Exchange)
	x.Begin(t.Context(), m, l.lines())
	if a, err := session.RefreshDevice(x, m, l.id, "", nil); !errors.Is(err, session.ErrUndecodable) || a.Challenge != "" {
		t.Errorf("got %+v, %v, want ErrUndecodable", a, err)
	}
}
