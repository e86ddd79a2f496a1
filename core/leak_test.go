package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

// everything happens to a session, and each token that was handed out is returned.
func everything(t *testing.T, opts *session.Options) (si *site, tokens []string) {
	si = newSite(t, opts)
	b := &browser{}
	visit := func(act func(*session.Session[cart]) error) {
		si.visit(b, act)
		tokens = append(tokens, b.token())
	}
	visit(incremented)
	visit(loggedIn)
	anonymous := &browser{cookie: "__Host-session=" + tokens[0]}
	time.Sleep(2 * time.Minute)
	si.visit(anonymous, look) // reused
	visit(look)               // touched
	time.Sleep(10 * time.Minute)
	visit(look) // renewed
	overlap := si.begin(b)
	_ = overlap.get().Update(increment)
	visit(incremented)
	_, _ = overlap.respond() // conflict
	late := si.begin(b)
	_ = late.get().Update(increment)
	visit(func(s *session.Session[cart]) error { return s.Destroy() })
	_, _ = late.respond() // discarded
	tokens = tokens[:len(tokens)-1]
	si.visit(&browser{cookie: "__Host-session=" + tokens[0]}, look) // missed
	visit(incremented)
	si.store.down()
	_, _ = si.Get(si.begin(b)) // error
	si.store.hook(nil, nil)
	si.store.Late = true
	time.Sleep(time.Hour)
	si.visit(b, look) // expired
	return si, tokens
}

var allKinds = []session.EventKind{
	session.EventCreated, session.EventLoaded, session.EventMissed, session.EventChanged, session.EventTouched,
	session.EventConflict, session.EventRenewed, session.EventLogin, session.EventDestroyed, session.EventExpired,
	session.EventDiscarded, session.EventReused, session.EventError,
}

// Law 13: nothing that is logged, reported or stored holds a token or a secret.
func TestNothingSecretLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		si, tokens := everything(t, &session.Options{
			Logger:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			RenewEvery: 10 * time.Minute, StragglerWindow: time.Second,
		})
		said := log.String()
		for _, e := range si.events {
			said += fmt.Sprintf("%+v\n", e)
		}
		for _, data := range si.store.seen {
			said += string(data) + "\n" + fmt.Sprintf("%x %s\n", data, base64.RawURLEncoding.EncodeToString(data))
		}
		if len(tokens) < 5 {
			t.Fatalf("only %d tokens", len(tokens))
		}
		for _, token := range tokens {
			raw, err := base64.RawURLEncoding.DecodeString(token)
			if err != nil || len(raw) != 48 {
				t.Fatalf("token of %d bytes: %v", len(raw), err)
			}
			secret := raw[16:]
			for form, text := range map[string]string{
				"the token": token, "the secret": string(secret), "the secret in hex": hex.EncodeToString(secret),
				"the end of the token": token[24:], "the secret in base64": base64.RawURLEncoding.EncodeToString(secret),
			} {
				if strings.Contains(said, text) {
					t.Errorf("%s is in a log line, an event or the store", form)
				}
			}
		}
	})
}

// A context and a session get printed, by accident or by a logger.
func TestNothingSecretIsPrinted(t *testing.T) {
	si, b := newSite(t, nil), &browser{}
	si.visit(b, incremented)
	r := si.begin(b)
	s := r.get()
	_ = s.Renew()
	_, _ = r.respond()
	ctx := context.WithValue(r.Exchange, b, "v")
	said := fmt.Sprintf("%v %+v %s %#v %v %+v %#v %v", r.Exchange, r.Exchange, r.Exchange, r.Exchange, s, s, s, ctx)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "session", s, "ctx", r.Exchange)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "session", s, "ctx", r.Exchange)
	if want := "session " + s.ID().String(); fmt.Sprint(s) != want {
		t.Errorf("got %q, want %q", fmt.Sprint(s), want)
	}
	if said += log.String(); len(said) > 1500 || strings.Contains(said, b.token()[:40]) || strings.Contains(said, "__Host-") {
		t.Errorf("printed: %s", said)
	}
}

// A Logger may ask for the session, to name its subject in each line.
func TestLoggerMayGet(t *testing.T) {
	var si *site
	handler := &asking{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})}
	si = newSite(t, &session.Options{Logger: slog.New(handler)})
	handler.ask = func(ctx context.Context) {
		if s, err := si.Get(ctx); err == nil {
			_, _ = s.Data(), s.Subject()
		}
	}
	b := &browser{}
	si.visit(b, incremented)
	si.visit(b, loggedIn)
	si.visit(b, func(s *session.Session[cart]) error { return s.Destroy() })
	if handler.asked < 5 {
		t.Errorf("%d lines", handler.asked)
	}
}

type asking struct {
	slog.Handler
	ask   func(context.Context)
	asked int
}

func (h *asking) Handle(ctx context.Context, r slog.Record) error {
	h.asked++
	h.ask(ctx)
	return h.Handler.Handle(ctx, r)
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		si, _ := everything(t, &session.Options{
			Logger:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			RenewEvery: 10 * time.Minute, StragglerWindow: time.Second,
		})
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != len(si.events) {
			t.Errorf("%d debug lines for %d events", len(lines), len(si.events))
		}
		for i, e := range si.events {
			level := "level=DEBUG"
			switch e.Kind {
			case session.EventError:
				level = "level=ERROR"
			case session.EventDiscarded, session.EventReused:
				level = "level=WARN"
			}
			for _, want := range []string{level, "event=" + string(e.Kind), "id=" + e.ID.String(), "duration="} {
				if !strings.Contains(lines[i], want) {
					t.Errorf("the line of event %+v is %q, without %q", e, lines[i], want)
				}
			}
		}
		kinds := si.kinds()
		for _, kind := range allKinds {
			if !slices.Contains(kinds, kind) {
				t.Errorf("no event %q", kind)
			}
		}
	})

	t.Run("nothing at the info level", func(t *testing.T) {
		var log bytes.Buffer
		m, err := session.New[cart](newTestStore(), &session.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		x := new(session.Exchange)
		x.Begin(t.Context(), m, nil)
		s, _ := m.Get(x)
		_ = s.Update(increment)
		if _, err := x.Commit(session.Response{}); err != nil || log.Len() > 0 {
			t.Errorf("%v, logged %q", err, log.String())
		}
	})

	t.Run("come with the request's context", func(t *testing.T) {
		type key struct{}
		seen := 0
		m, err := session.New[cart](newTestStore(), &session.Options{Observer: func(ctx context.Context, _ session.Event) {
			if ctx.Value(key{}) == "trace" {
				seen++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		x := new(session.Exchange)
		x.Begin(context.WithValue(t.Context(), key{}, "trace"), m, nil)
		s, _ := m.Get(x)
		_ = s.Update(increment)
		_, _ = x.Commit(session.Response{})
		if seen == 0 {
			t.Error("the observer does not see the values of the request's context")
		}
	})
}

// At debug level, data that was changed in place, and so lost, is reported.
func TestChangeInPlaceIsReported(t *testing.T) {
	for _, test := range []struct {
		name  string
		act   func(*session.Session[cart]) error
		level slog.Level
		want  int
	}{
		{"in place", func(s *session.Session[cart]) error { s.Data().Items[0] = "lost"; return nil }, slog.LevelDebug, 1},
		{"in place, then an Update", func(s *session.Session[cart]) error {
			s.Data().Items[0] = "lost"
			return s.Update(increment)
		}, slog.LevelDebug, 1},
		{"in place, without debugging", func(s *session.Session[cart]) error { s.Data().Items[0] = "lost"; return nil }, slog.LevelInfo, 0},
		{"only read", func(s *session.Session[cart]) error { _ = s.Data(); return nil }, slog.LevelDebug, 0},
		{"an update whose value does not survive the encoding as it is", func(s *session.Session[cart]) error {
			err := s.Update(func(c *cart) error { c.Items = []string{}; return nil })
			_ = s.Data()
			return err
		}, slog.LevelDebug, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			si, b := newSite(t, &session.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: test.level}))}), &browser{}
			si.visit(b, add3)
			si.kinds()
			si.visit(b, test.act)
			if got := strings.Count(log.String(), "level=ERROR"); got != test.want {
				t.Errorf("reported %d times, want %d; the log:\n%s", got, test.want, log.String())
			}
			if got := si.saw(session.EventError); got != (test.want > 0) {
				t.Errorf("an error event: got %v, want %d", got, test.want)
			}
		})
	}
}
