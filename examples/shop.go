package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// A visitor is what the shop keeps in a session.
type visitor struct {
	Visits int    `json:"visits"`
	Cart   []line `json:"cart"`
}

// A line is one kind of goods in a cart.
type line struct {
	Goods  string `json:"goods"`
	Amount int    `json:"amount"`
}

// A page is what a visitor gets to see.
type page struct {
	visitor
	Name string        // empty until logged in
	Left time.Duration // until the session ends, if it is not used again
}

// A shop answers visitors. It knows neither the store nor the HTTP framework,
// so every framework's handlers call the same methods with their context.
type shop struct {
	sessions *session.Manager[visitor]
}

// errInput is a request that makes no sense. The text is for the visitor.
var errInput = errors.New("that does not work")

// status is the HTTP status that tells of an error of the methods below.
func status(err error) int {
	if errors.Is(err, errInput) {
		return http.StatusBadRequest
	}
	return session.HTTPStatus(err)
}

// A form returns the value of one of its fields, or nothing.
type form func(field string) string

// posts are what a visitor can do, by the path of the form.
func (s *shop) posts() map[string]func(context.Context, form) error {
	return map[string]func(context.Context, form) error{
		"/cart/add":    func(ctx context.Context, f form) error { return s.add(ctx, f("goods")) },
		"/cart/remove": func(ctx context.Context, f form) error { return s.remove(ctx, f("goods")) },
		"/login":       func(ctx context.Context, f form) error { return s.login(ctx, f("name")) },
		"/logout":      func(ctx context.Context, _ form) error { return s.logout(ctx) },
	}
}

// visit counts a visit and returns what to show.
func (s *shop) visit(ctx context.Context) (page, error) {
	current, err := s.sessions.Get(ctx)
	if err != nil {
		return page{}, err
	}
	if err := current.Update(func(v *visitor) error { v.Visits++; return nil }); err != nil {
		return page{}, err
	}
	// Committed before it is shown, the page says what is stored, with the
	// visits that other requests counted meanwhile.
	if err := current.Commit(ctx); err != nil {
		return page{}, err
	}
	return page{current.Data(), current.Subject(), time.Until(current.ExpiresAt())}, nil
}

// add puts goods into the cart.
func (s *shop) add(ctx context.Context, goods string) error {
	if goods = strings.TrimSpace(goods); goods == "" || len(goods) > 100 {
		return fmt.Errorf("%w: name what to add, in at most 100 bytes", errInput)
	}
	return s.update(ctx, func(v *visitor) error {
		if i := v.find(goods); i >= 0 {
			v.Cart[i].Amount++
			return nil
		}
		if len(v.Cart) == 20 {
			return fmt.Errorf("%w: the cart is full", errInput)
		}
		v.Cart = append(v.Cart, line{goods, 1})
		return nil
	})
}

// remove takes one of the goods out of the cart. That there was none is no
// error: whoever clicks twice gets what they want.
func (s *shop) remove(ctx context.Context, goods string) error {
	return s.update(ctx, func(v *visitor) error {
		i := v.find(goods)
		if i < 0 {
			return nil
		}
		if v.Cart[i].Amount--; v.Cart[i].Amount == 0 {
			v.Cart = slices.Delete(v.Cart, i, i+1)
		}
		return nil
	})
}

// login takes everybody's word for who they are; a real shop asks for more.
// The cart stays, the cookie's secret changes.
func (s *shop) login(ctx context.Context, name string) error {
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
		return fmt.Errorf("%w: say who you are, in at most 100 bytes", errInput)
	}
	current, err := s.sessions.Get(ctx)
	if err != nil {
		return err
	}
	return current.Login(name, nil)
}

// logout ends the session, with all that is in it.
func (s *shop) logout(ctx context.Context) error {
	current, err := s.sessions.Get(ctx)
	if err != nil {
		return err
	}
	return current.Destroy()
}

func (s *shop) update(ctx context.Context, change func(*visitor) error) error {
	current, err := s.sessions.Get(ctx)
	if err != nil {
		return err
	}
	return current.Update(change)
}

func (v *visitor) find(goods string) int {
	return slices.IndexFunc(v.Cart, func(l line) bool { return l.Goods == goods })
}
