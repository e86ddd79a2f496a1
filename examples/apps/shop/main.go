// Command shop is a whole application in one file: a login that may be remembered,
// messages for the next page, a cart, and a JSON API. It keeps its sessions in
// memory and listens on localhost:8080. The users are ann and bob, and their
// password is "tea".
package main

import (
	"encoding/json"
	"errors"
	"html/template"
	"log"
	"net/http"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
)

// Visit is what the server keeps of a visitor.
type Visit struct {
	Cart  map[string]int
	Flash []string // messages for the next page
}

type shop struct {
	visits *session.Manager[Visit]
	users  map[string][]byte // their password hashes
}

func main() {
	s, err := newShop()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", s.handler()))
}

func newShop() (*shop, error) {
	visits, err := session.New[Visit](memory.New(nil), &session.Options{
		Remember: session.Clocks{IdleTimeout: 14 * 24 * time.Hour, Lifetime: 90 * 24 * time.Hour},
	})
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("tea"), bcrypt.MinCost)
	return &shop{visits, map[string][]byte{"ann": hash, "bob": hash}}, err
}

func (s *shop) handler() http.Handler {
	guard := account.RequireLogin(s.visits, account.Guard{LoginURL: "/login"})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /login", s.page)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("POST /cart", s.add)
	mux.Handle("POST /checkout", guard(http.HandlerFunc(s.checkout)))
	mux.Handle("GET /api/cart", guard(http.HandlerFunc(s.api)))
	return http.NewCrossOriginProtection().Handler(nethttp.Middleware(s.visits, nil)(mux))
}

var page = template.Must(template.New("").Parse(`<!doctype html><title>Shop</title>
{{range .Flash}}<p role="status">{{.}}</p>{{end}}
<ul>{{range $item, $n := .Cart}}<li>{{$n}} {{$item}}</li>{{end}}</ul>
<form method="post" action="/cart"><input name="item" required><button>Add</button></form>
{{if .User}}<form method="post" action="/checkout"><button>Buy</button></form>
<form method="post" action="/logout"><button>Sign out {{.User}}</button></form>
{{else}}<form method="post" action="/login?next={{.Next}}"><input name="user"><input name="password" type="password">
<label><input name="remember" type="checkbox"> Keep me signed in</label><button>Sign in</button></form>{{end}}`))

func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	v, err := s.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	flash, err := session.Take(r.Context(), v, func(d *Visit) []string { return pop(&d.Flash) })
	if err != nil {
		session.Error(w, err)
		return
	}
	_ = page.Execute(w, map[string]any{"User": v.Subject(), "Cart": v.Data().Cart, "Flash": flash, "Next": r.FormValue("next")})
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user")
	if bcrypt.CompareHashAndPassword(s.users[user], []byte(r.FormValue("password"))) != nil {
		s.change(w, r, func(v *session.Session[Visit]) error { return tell(v, "Wrong name or password") })
		return
	}
	s.change(w, r, func(v *session.Session[Visit]) error {
		remember := r.FormValue("remember") != ""
		return errors.Join(v.Login(user, &session.LoginOptions{Remember: remember}), tell(v, "Hello "+user))
	})
}

func (s *shop) logout(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, (*session.Session[Visit]).Destroy)
}

func (s *shop) add(w http.ResponseWriter, r *http.Request) {
	item := r.FormValue("item")
	s.change(w, r, func(v *session.Session[Visit]) error {
		return v.Update(func(d *Visit) error {
			if d.Cart == nil {
				d.Cart = map[string]int{}
			}
			d.Cart[item]++
			return nil
		})
	})
}

func (s *shop) checkout(w http.ResponseWriter, r *http.Request) {
	s.change(w, r, func(v *session.Session[Visit]) error {
		cart, err := session.Take(r.Context(), v, func(d *Visit) map[string]int { return pop(&d.Cart) })
		if err != nil {
			return err
		}
		if cart == nil {
			return nil // the first click has bought it already
		}
		return tell(v, "Thank you")
	})
}

func (s *shop) api(w http.ResponseWriter, r *http.Request) {
	v, err := s.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v.Data().Cart)
}

// tell leaves a message for the next page.
func tell(v *session.Session[Visit], message string) error {
	return v.Update(func(d *Visit) error { d.Flash = append(d.Flash, message); return nil })
}

// change lets act change the session, and goes back to the page.
func (s *shop) change(w http.ResponseWriter, r *http.Request, act func(*session.Session[Visit]) error) {
	v, err := s.visits.Get(r.Context())
	if err != nil {
		session.Error(w, err)
		return
	}
	if err := act(v); err != nil {
		v.Discard()
		session.Error(w, err)
		return
	}
	http.Redirect(w, r, account.Next(r.FormValue("next")), http.StatusSeeOther)
}

// pop empties a value and returns what it was.
func pop[V any](v *V) (was V) {
	*v, was = was, *v
	return was
}
