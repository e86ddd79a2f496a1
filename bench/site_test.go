// Package bench sets this project side by side with other libraries: the same
// data, the same handlers, in one run.
package bench

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// A cart is the data of all sessions.
type cart struct {
	Items []item
}

type item struct {
	Name   string
	Amount int
	Cents  int64
}

// articles are what is put into a cart. To make them is not what is measured.
var articles = func() (items []item) {
	for i := range 10 {
		items = append(items, item{fmt.Sprintf("article number %d", i), 1, int64(100 * i)})
	}
	return items
}()

// ten fills a cart.
func ten() cart { return cart{slices.Clone(articles)} }

// total is what a handler that reads answers.
func total(w http.ResponseWriter, c cart) { _, _ = io.WriteString(w, sum(c)) }

func sum(c cart) string {
	n := 0
	for i := range c.Items {
		n += c.Items[i].Amount
	}
	return strconv.Itoa(n)
}

// routes are a library's handlers. Each answers an error with a status.
type routes struct {
	middleware func(http.Handler) http.Handler // nil: none

	fill   http.HandlerFunc // keeps ten items in a new session
	unused http.HandlerFunc // does not touch the session
	read   http.HandlerFunc // answers the total
	update http.HandlerFunc // adds one to an item, and calls pause between reading and writing
	logout http.HandlerFunc // ends the session
	flush  http.HandlerFunc // changes a new session, and flushes before it writes
}

func (rs routes) handler() http.Handler {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fill":
			rs.fill(w, r)
		case "/unused":
			rs.unused(w, r)
		case "/read":
			rs.read(w, r)
		case "/update":
			rs.update(w, r)
		case "/logout":
			rs.logout(w, r)
		case "/flush":
			rs.flush(w, r)
		}
	})
	if rs.middleware != nil {
		h = rs.middleware(h)
	}
	return h
}

func unused(w http.ResponseWriter, _ *http.Request) { total(w, cart{}) }

func flushed(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
	total(w, cart{})
}

// A library makes its routes; pause may be nil.
type library struct {
	name   string
	routes func(tb testing.TB, pause func()) routes
}

func ours(tb testing.TB, pause func()) routes { return oursOn(tb, memory.New(nil), pause) }

func oursOn(tb testing.TB, store session.Store, pause func()) routes {
	return oursWith(tb, store, nil, pause)
}

func oursWith(tb testing.TB, store session.Store, opts *session.Options, pause func()) routes {
	carts, err := session.New[cart](store, opts)
	if err != nil {
		tb.Fatal(err)
	}
	handle := func(do func(http.ResponseWriter, *session.Session[cart]) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, err := carts.Get(r.Context())
			if err == nil {
				err = do(w, s)
			}
			if err != nil {
				http.Error(w, err.Error(), session.HTTPStatus(err))
			}
		}
	}
	change := func(s *session.Session[cart]) error {
		return s.Update(func(c *cart) error { c.Items[0].Amount++; return nil })
	}
	fill := func(s *session.Session[cart]) error {
		return s.Update(func(c *cart) error { *c = ten(); return nil })
	}
	return routes{
		middleware: nethttp.Middleware(carts, nil),
		unused:     unused,
		fill:       handle(func(_ http.ResponseWriter, s *session.Session[cart]) error { return fill(s) }),
		read: handle(func(w http.ResponseWriter, s *session.Session[cart]) error {
			total(w, s.Data())
			return nil
		}),
		update: handle(func(_ http.ResponseWriter, s *session.Session[cart]) error {
			if pause != nil {
				pause()
			}
			return change(s)
		}),
		logout: handle(func(_ http.ResponseWriter, s *session.Session[cart]) error { return s.Destroy() }),
		flush: handle(func(w http.ResponseWriter, s *session.Session[cart]) error {
			if err := fill(s); err != nil {
				return err
			}
			flushed(w)
			return nil
		}),
	}
}
