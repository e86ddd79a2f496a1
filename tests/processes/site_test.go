package processes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/device"
	sessionsql "github.com/gostateful/session/sql"
)

// passing is how long a session lasts that nobody uses, unless its visitor has
// logged in: then it lasts for longer than the soak.
const passing = time.Second

// A soakedSite is the web application of the soak. What holds a session answers
// with its count, a space and who has logged in, and with "new" for an empty
// one, which is not stored.
type soakedSite struct {
	*backend
	sessions *session.Manager[data]
	failures atomic.Int64 // of the engine, and of the sweeper

	mu     sync.Mutex
	events map[session.EventKind]int
}

// soaked serves the soak. window is the straggler's; secrets last a little longer.
func soaked(b *backend, window string) (http.Handler, error) {
	late, err := time.ParseDuration(window)
	if err != nil {
		return nil, err
	}
	if err := b.fill(context.Background()); err != nil { // what it has from the start cannot grow
		return nil, err
	}
	si := &soakedSite{backend: b, events: map[session.EventKind]int{}}
	si.sessions, err = session.New[data](b.store, &session.Options{
		IdleTimeout:     passing,
		Remember:        session.Clocks{Lifetime: 24 * time.Hour},
		RenewEvery:      late + time.Second,
		StragglerWindow: late,
		StoreTimeout:    time.Minute, // for a machine that does much else
		Device:          session.Device{Path: "/device"},
		Observer:        si.observe,
		Logger:          slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	if store, ok := b.store.(*sessionsql.Store); ok {
		go store.SweepEvery(context.Background(), time.Second, func(_ int, err error) { si.fail(err) })
	}
	mux := http.NewServeMux()
	for target, do := range map[string]func(*session.Session[data], *http.Request) error{
		"/read": func(*session.Session[data], *http.Request) error { return nil },
		"/count": func(s *session.Session[data], _ *http.Request) error {
			return s.Update(func(d *data) error { d.N++; return nil })
		},
		"/login": func(s *session.Session[data], r *http.Request) error {
			return s.Login(r.FormValue("as"), &session.LoginOptions{Remember: true})
		},
		"/renew":  func(s *session.Session[data], _ *http.Request) error { return s.Renew() },
		"/logout": func(s *session.Session[data], _ *http.Request) error { return s.Destroy() },
	} {
		mux.HandleFunc("POST "+target, si.handle(do))
	}
	mux.HandleFunc("POST /peek", si.peek)
	mux.HandleFunc("POST /revoke", si.revoke)
	mux.HandleFunc("GET /watch", si.watch)
	mux.HandleFunc("GET /all", si.all)
	mux.HandleFunc("GET /vitals", si.vitals)
	mux.HandleFunc("GET /stacks", stacks)
	mux.Handle("POST /device", device.Handler(si.sessions))
	mux.Handle("/devices/", http.StripPrefix("/devices", account.Devices(si.sessions, account.Guard{}, nil)))
	return nethttp.Middleware(si.sessions, nil)(mux), nil
}

func (si *soakedSite) observe(_ context.Context, e session.Event) {
	if e.Kind == session.EventError {
		si.fail(e.Err)
	}
	si.mu.Lock()
	defer si.mu.Unlock()
	si.events[e.Kind]++
}

// fail counts a failure, and prints it to the log of the process.
func (si *soakedSite) fail(err error) {
	if err != nil {
		si.failures.Add(1)
		fmt.Println(err)
	}
}

func (si *soakedSite) handle(do func(*session.Session[data], *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := si.sessions.Get(r.Context())
		if err == nil {
			err = do(s, r)
		}
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		show(w, s.Data(), s.Subject())
	}
}

func show(w http.ResponseWriter, d data, subject string) {
	if d.N == 0 && subject == "" {
		fmt.Fprint(w, "new")
		return
	}
	fmt.Fprint(w, d.N, " ", subject)
}

// peek is a read that does not keep the session alive.
func (si *soakedSite) peek(w http.ResponseWriter, r *http.Request) {
	switch seen, err := si.sessions.Peek(r.Context()); {
	case errors.Is(err, session.ErrNotFound):
		fmt.Fprint(w, "new")
	case err != nil:
		http.Error(w, err.Error(), session.HTTPStatus(err))
	default:
		show(w, seen.Data, seen.Subject)
	}
}

func (si *soakedSite) revoke(w http.ResponseWriter, r *http.Request) {
	n, err := si.sessions.RevokeAll(r.Context(), r.FormValue("whose"))
	if err != nil {
		http.Error(w, err.Error(), session.HTTPStatus(err))
		return
	}
	fmt.Fprint(w, n)
}

// watch streams the count, a line for each change, and a last line when the
// session is over.
func (si *soakedSite) watch(w http.ResponseWriter, r *http.Request) {
	seen, err := si.sessions.Peek(r.Context())
	if err != nil {
		http.Error(w, err.Error(), session.HTTPStatus(err))
		return
	}
	for info, err := range si.sessions.Changes(r.Context(), seen, 0) {
		if errors.Is(err, session.ErrNotFound) {
			fmt.Fprintln(w, "over")
		}
		if err != nil {
			return
		}
		fmt.Fprintln(w, info.Data.N)
		_ = http.NewResponseController(w).Flush()
	}
}

// A held session is one that /all has found.
type held struct {
	Subject string
	N       int
}

// all shows each live session, by its ID.
func (si *soakedSite) all(w http.ResponseWriter, r *http.Request) {
	found := map[string]held{}
	for info, err := range si.sessions.All(r.Context()) {
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		found[info.ID.String()] = held{info.Subject, info.Data.N}
	}
	_ = json.NewEncoder(w).Encode(found)
}
