package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	session "github.com/gostateful/session/core"
)

type Account struct {
	Flash  []string
	Coupon string
	Role   string
}

var accounts, _ = session.New[Account](store, &session.Options{
	Remember:      session.Clocks{IdleTimeout: 14 * 24 * time.Hour, Lifetime: 90 * 24 * time.Hour},
	MaxPerSubject: 5,
})

// A flash message is shown once. One that arrives meanwhile is not lost.
func ExampleTake() {
	page := func(w http.ResponseWriter, r *http.Request) {
		s, err := accounts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		messages, err := session.Take(r.Context(), s, func(a *Account) []string {
			flash := a.Flash
			a.Flash = nil
			return flash
		})
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Println("page shows", messages)
	}

	info := session.Info[Account]{Subject: "ann", Data: Account{Flash: []string{"saved"}}}
	visit(info, page, page)
	// Output:
	// page shows [saved]
	// page shows []
}

// A coupon is spent once, however often the button is clicked.
func ExampleTake_once() {
	pay := func(w http.ResponseWriter, r *http.Request) {
		s, err := accounts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		coupon, err := session.Take(r.Context(), s, func(a *Account) string {
			coupon := a.Coupon
			a.Coupon = ""
			return coupon
		})
		switch {
		case err != nil:
			session.Error(w, err)
		case coupon == "":
			fmt.Println("paid already")
		default:
			fmt.Println("paid with", coupon)
		}
	}

	visit(session.Info[Account]{Subject: "ann", Data: Account{Coupon: "XMAS"}}, pay, pay)
	// Output:
	// paid with XMAS
	// paid already
}

// "Keep me signed in" is a box on the login page. Options.Remember says for how
// long.
func ExampleSession_Login() {
	login := func(w http.ResponseWriter, r *http.Request) {
		s, err := accounts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		remember := r.FormValue("remember") != ""
		if err := s.Login("ann", &session.LoginOptions{Remember: remember}); err != nil {
			session.Error(w, err)
			return
		}
		fmt.Println(s.Subject(), s.Remembered(), s.ExpiresAt().Sub(s.AuthenticatedAt()).Round(time.Hour))
	}

	visit(session.Info[Account]{}, login)
	// Output:
	// ann true 336h0m0s
}

// Support looks at the shop as a customer sees it. This does not count as a
// fresh login: account.Guard.Within asks for the customer's password.
func ExampleLoginOptions_support() {
	lookAs := func(w http.ResponseWriter, r *http.Request) { // a guard of the staff's own manager is before it
		s, err := accounts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Login(r.FormValue("customer"), &session.LoginOptions{AuthenticatedAt: time.Unix(1, 0)}); err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Update(func(a *Account) error { a.Role = "support: clerk 7"; return nil }); err != nil {
			s.Discard()
			session.Error(w, err)
			return
		}
		fmt.Println(s.Subject(), "for", s.Data().Role, "and fresh:", time.Since(s.AuthenticatedAt()) < time.Hour)
	}

	r := httptest.NewRequest("POST", "/look?customer=42", nil)
	lookAs(httptest.NewRecorder(), r.WithContext(accounts.NewContext(r.Context(), session.Info[Account]{})))
	// Output:
	// 42 for support: clerk 7 and fresh: false
}

// If what follows a login fails, the login is taken back.
func ExampleSession_Discard() {
	join := func(w http.ResponseWriter, r *http.Request) {
		s, err := accounts.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		err = errors.Join(s.Login("ann", nil), s.Update(func(a *Account) error {
			return errors.New("no such role")
		}))
		if err != nil {
			s.Discard()
			fmt.Printf("%v, and %q is logged in\n", err, s.Subject())
		}
	}

	visit(session.Info[Account]{}, join)
	// Output:
	// no such role, and "" is logged in
}

// A new role reaches all sessions of its subject.
func ExampleManager_UpdateAll() {
	ctx := context.Background()
	for range 2 {
		accounts.NewContext(ctx, session.Info[Account]{Subject: "eve", Data: Account{Role: "clerk"}})
	}
	n, err := accounts.UpdateAll(ctx, "eve", func(a *Account) error {
		a.Role = "manager"
		return nil
	})
	fmt.Println(n, err)

	sessions, err := accounts.List(ctx, "eve")
	for _, info := range sessions {
		fmt.Println(info.Data.Role, err)
	}
	// Output:
	// 2 <nil>
	// manager <nil>
	// manager <nil>
}

// An administrator's program needs no type of the application, only its store and its
// realm.
func ExampleManager_RevokeAll() {
	ctx := context.Background()
	if _, err := accounts.NewCookie(ctx, session.Info[Account]{Subject: "mallory"}); err != nil {
		fmt.Println(err)
		return
	}

	anything, err := session.New[any](store, &session.Options{Realm: ""})
	if err != nil {
		fmt.Println(err)
		return
	}
	infos, err := anything.List(ctx, "mallory")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, info := range infos {
		fmt.Println(info.Subject, "has a session, last used", info.LastUsedAt.Sub(info.CreatedAt), "after its start")
	}
	fmt.Println(anything.RevokeAll(ctx, "mallory"))
	// Output:
	// mallory has a session, last used 0s after its start
	// 1 <nil>
}

// A browser test begins with a user who is logged in.
func ExampleManager_NewCookie() {
	cookie, err := accounts.NewCookie(context.Background(), session.Info[Account]{Subject: "ann"})
	fmt.Println(cookie.Name, len(cookie.Value), err)
	// Output:
	// __Host-session 64 <nil>
}

// A store that is not ready is found at the start of the program.
func ExampleManager_Ping() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := accounts.Ping(ctx); err != nil {
		fmt.Println(err) // and leave
		return
	}
	fmt.Println("ready")
	// Output: ready
}

// An event stream shows what another tab or a job changes. It ends with the
// session, and does not keep the session alive. When the client leaves, the
// request's context ends the loop.
func ExampleManager_Changes() {
	events := func(w http.ResponseWriter, r *http.Request) {
		seen, err := accounts.Peek(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for info, err := range accounts.Changes(r.Context(), seen, 0) {
			if errors.Is(err, session.ErrNotFound) {
				fmt.Fprint(w, "event: signed-out\ndata:\n\n")
			}
			if err != nil {
				return
			}
			fmt.Fprintf(w, "data: %s\n\n", info.Data.Role)
			_ = http.NewResponseController(w).Flush()
			_, _ = accounts.RevokeAll(r.Context(), "ann") // by an administrator, meanwhile
		}
	}

	ctx := accounts.NewContext(context.Background(), session.Info[Account]{Subject: "ann", Data: Account{Role: "editor"}})
	w := httptest.NewRecorder()
	events(w, httptest.NewRequestWithContext(ctx, "GET", "/events", nil))
	fmt.Print(w.Body)
	// Output:
	// data: editor
	//
	// event: signed-out
	// data:
}

// Work for a visitor stops when the session ends.
func ExampleManager_Watch() {
	export := func(w http.ResponseWriter, r *http.Request) {
		seen, err := accounts.Peek(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		ctx, stop := accounts.Watch(r.Context(), seen)
		defer stop()
		_ = accounts.Revoke(ctx, seen.ID) // from the list of devices, meanwhile
		<-ctx.Done()                      // as queries do that take ctx
		fmt.Println(errors.Is(context.Cause(ctx), session.ErrNotFound))
	}

	visit(session.Info[Account]{Subject: "ann"}, export)
	// Output: true
}

// visit stands for a browser that has a session, and sends a request to each
// handler.
func visit(info session.Info[Account], handlers ...http.HandlerFunc) {
	ctx := accounts.NewContext(context.Background(), info)
	for _, handler := range handlers {
		r := httptest.NewRequestWithContext(ctx, "POST", "/?remember=yes", nil)
		handler(httptest.NewRecorder(), r)
	}
}
