package account_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/core/internal/plainstore"
)

// User is what the application keeps in a session.
type User struct{ Browser string }

// users is made once, over the store of the application.
var users, _ = session.New[User](plainstore.New(), nil)

// as returns a request with the session of a user, as the middleware of an
// adapter makes it. "" is nobody.
func as(user, method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	return r.WithContext(users.NewContext(r.Context(), session.Info[User]{Subject: user}))
}

func ExampleRequireLogin() {
	guard := account.RequireLogin(users, account.Guard{LoginURL: "/login"})
	orders := guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := users.Get(r.Context()) // loaded by the guard already
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprint(w, "the orders of ", s.Subject())
	}))

	show := func(r *http.Request) {
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Result().Header.Get("Location")+w.Body.String())
	}
	show(as("ann", "GET", "/orders?of=may"))
	page := as("", "GET", "/orders?of=may")
	page.Header.Set("Accept", "text/html")
	show(page)
	script := as("", "GET", "/orders?of=may")
	script.Header.Set("Accept", "application/json")
	show(script)
	// Output:
	// 200 the orders of ann
	// 303 /login?next=%2Forders%3Fof%3Dmay
	// 401 {"type":"about:blank","title":"Unauthorized","status":401}
}

// A sensitive route asks for a recent login.
func ExampleRequireLogin_recent() {
	changePassword := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "changed") })
	recent := account.RequireLogin(users, account.Guard{Within: 5 * time.Minute})

	w := httptest.NewRecorder()
	recent(changePassword).ServeHTTP(w, as("ann", "POST", "/password")) // has just logged in
	fmt.Println(w.Code, w.Body)
	// Output: 200 changed
}

// In another framework, a middleware calls Check and writes the answer itself.
func ExampleCheck() {
	// What the framework's own request offers.
	ctx := users.NewContext(context.Background(), session.Info[User]{})
	method, target, accept, fetchMode := "GET", "/orders", "text/html,*/*;q=0.8", "navigate"

	refusal := account.Check(ctx, users, account.Guard{LoginURL: "/login"}, account.Request{
		Method: method, Target: target, Accept: accept, FetchMode: fetchMode,
	})
	if refusal == nil {
		fmt.Println("call the next handler")
		return
	}
	fmt.Println(refusal.Err)
	fmt.Println(refusal.Status, refusal.Header)
	// Output:
	// account: not logged in
	// 303 map[Cache-Control:[no-store] Location:[/login?next=%2Forders] Vary:[Accept, Sec-Fetch-Mode]]
}

// The page that a Guard names in LoginURL sends its visitor back.
func ExampleNext() {
	login := func(w http.ResponseWriter, r *http.Request) {
		s, err := users.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Login("ann", nil); err != nil { // once the password is checked
			session.Error(w, err)
			return
		}
		http.Redirect(w, r, account.Next(r.FormValue("next")), http.StatusSeeOther)
	}

	for _, next := range []string{"/orders", "https://evil.example/", "//evil.example"} {
		w := httptest.NewRecorder()
		login(w, as("", "POST", "/login?next="+next))
		fmt.Println(w.Result().Header.Get("Location"))
	}
	// Output:
	// /orders
	// /
	// /
}

func ExampleDevices() {
	mux := http.NewServeMux()
	devices := account.Devices(users, account.Guard{Within: 5 * time.Minute}, &account.DevicesOptions[User]{
		Describe: func(i session.Info[User]) any { return i.Data.Browser },
	})
	mux.Handle("/devices/", http.StripPrefix("/devices", devices))

	logIn("ann", "Safari")
	cookie := logIn("ann", "Firefox")
	show := func(method, target string) {
		// The adapter's middleware, in short.
		var x session.Exchange
		x.Begin(context.Background(), users, []string{cookie})
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, target, nil).WithContext(&x))
		if _, err := x.Commit(session.Response{}); err != nil {
			log.Fatal(err)
		}
		fmt.Println(method, w.Code)
	}
	show("GET", "/devices/")
	show("DELETE", "/devices/others")
	list, err := users.List(context.Background(), "ann")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(list), list[0].Data.Browser)
	// Output:
	// GET 200
	// DELETE 204
	// 1 Firefox
}

// logIn stores a session and returns its cookie.
func logIn(user, browser string) (cookie string) {
	var x session.Exchange
	x.Begin(context.Background(), users, nil)
	s, err := users.Get(&x)
	if err == nil {
		err = s.Login(user, nil)
	}
	if err == nil {
		err = s.Update(func(u *User) error { u.Browser = browser; return nil })
	}
	if err != nil {
		log.Fatal(err)
	}
	header, err := x.Commit(session.Response{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := http.ParseSetCookie(header.SetCookie[0])
	if err != nil {
		log.Fatal(err)
	}
	return c.Name + "=" + c.Value
}
