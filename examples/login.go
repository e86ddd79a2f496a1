package main

import (
	"context"
	"net/http"
	"net/url"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// A loginPage is what the page of that name shows.
type loginPage struct {
	Name, Next, Fault string
}

func (s *site) loginPage(ctx context.Context, v *visit, r *request) (answer, error) {
	return s.show(ctx, v, r, "login", "Sign in", loginPage{v.Subject(), account.Next(r.field("next")), ""})
}

// login checks the password. The cart stays, and the secret in the cookie changes.
func (s *site) login(ctx context.Context, v *visit, r *request) (answer, error) {
	name, next := r.field("name"), account.Next(r.field("next"))
	known, err := s.users.check(ctx, name, r.field("password"))
	if err != nil {
		return answer{}, err
	}
	if !known {
		return s.render(http.StatusForbidden, "login", view{
			Title: "Sign in", Path: "/login?next=" + url.QueryEscape(next), User: v.Subject(),
			Data: loginPage{name, next, "This name and this password do not belong together."},
		}), nil
	}
	if err := v.Login(name, &session.LoginOptions{Remember: r.field("remember") != ""}); err != nil {
		return answer{}, err
	}
	device := deviceOf(r.header("User-Agent"))
	return redirect(next), v.Update(func(d *visitor) error {
		d.Device, d.Note = device, "You are signed in as "+name+"."
		return nil
	})
}

// logout ends the session, with all that is in it.
func (s *site) logout(_ context.Context, v *visit, _ *request) (answer, error) {
	return redirect("/"), v.Destroy()
}
