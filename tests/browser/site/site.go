// Package site serves the pages on which the browser tests look at cookies: the
// same pages through each adapter, over http and https. Every name leads to them.
package site

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// A cart is the data of each session.
type cart struct{ Items []string }

// A site has a page for each of its managers, such as /carts/.
type site struct {
	managers map[string]*session.Manager[cart]
	holds    holds
}

func newSite() (*site, error) {
	s := &site{managers: map[string]*session.Manager[cart]{}}
	store := memory.New(nil)
	for name, opts := range map[string]session.Options{
		"carts":  {Remember: session.Clocks{Lifetime: 30 * 24 * time.Hour}},
		"staff":  {Cookie: session.Cookie{Name: "__Host-staff"}},
		"framed": {Cookie: session.Cookie{Name: "__Host-framed", SameSite: http.SameSiteNoneMode, Partitioned: true}},
		"brief":  {Cookie: session.Cookie{Name: "__Host-brief"}, IdleTimeout: time.Second},
	} {
		opts.Logger = slog.New(slog.DiscardHandler)
		m, err := session.New[cart](store, &opts)
		if err != nil {
			return nil, err
		}
		s.managers[name] = m
	}
	return s, nil
}

// A request is what the site reads of one, whatever the framework.
type request struct {
	context.Context
	method, path string
	form         func(name string) string // a value of the query or of the form
}

// An answer redirects if it has a location.
type answer struct {
	status   int
	location string
	html     string
}

// answer answers, and takes its time for that if the request wants it.
func (s *site) answer(r request) answer {
	a := s.act(r)
	s.holds.wait(r.form("slow"))
	return a
}

// act does what "/" + manager + "/" + action says.
func (s *site) act(r request) answer {
	name, action, _ := strings.Cut(strings.TrimPrefix(r.path, "/"), "/")
	m := s.managers[name]
	if m == nil {
		return s.other(r, name, action)
	}
	if action == "alive" {
		if _, err := m.Peek(r); err != nil {
			return answer{status: http.StatusUnauthorized}
		}
		return answer{status: http.StatusNoContent}
	}
	v, err := m.Get(r)
	if err != nil {
		return failed(err)
	}
	switch r.method + " " + action {
	case "GET ", "POST callback", "GET account":
		return shown(http.StatusOK, pages.Lookup("session.html"), map[string]any{
			"Manager": name, "Subject": v.Subject(), "Items": v.Data().Items,
		})
	case "POST login":
		err = v.Login(r.form("name"), &session.LoginOptions{Remember: r.form("remember") != ""})
	case "POST logout":
		err = v.Destroy()
	case "POST add":
		item := r.form("item")
		err = v.Update(func(c *cart) error {
			c.Items = append(c.Items, item)
			return nil
		})
	case "POST return":
	default:
		return answer{status: http.StatusNotFound}
	}
	if err != nil {
		return failed(err)
	}
	return answer{status: http.StatusSeeOther, location: "/" + name + "/"}
}

func failed(err error) answer {
	status := session.HTTPStatus(err)
	return shown(status, pages.Lookup("error.html"), http.StatusText(status))
}

// other answers what has no session. A page of another site frames one of ours,
// or sends the visitor back to it. And the test asks for the answers that it has
// held back.
func (s *site) other(r request, name, action string) answer {
	switch r.method + " " + name {
	case "GET plain", "GET frame", "GET authorize":
		return shown(http.StatusOK, pages.Lookup(name+".html"), r.form("url"))
	case "GET held":
		if !s.holds.held(action) {
			return answer{status: http.StatusNotFound}
		}
		return answer{status: http.StatusNoContent}
	case "POST release":
		s.holds.release(action)
		return answer{status: http.StatusNoContent}
	}
	return answer{status: http.StatusNotFound}
}
