package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	session "github.com/gostateful/session/core"
)

// An accountPage is what the page of that name shows.
type accountPage struct {
	Devices []session.Info[visitor]
	Current session.ID
	Clocks  *clocks
}

func (s *site) accountPage(ctx context.Context, v *visit, r *request) (answer, error) {
	devices, err := s.sessions.List(ctx, v.Subject())
	if err != nil {
		return answer{}, err
	}
	return s.show(ctx, v, r, "account", "Your account", accountPage{devices, v.ID(), clocksOf(v)})
}

// endDevice ends one of the visitor's own sessions.
func (s *site) endDevice(ctx context.Context, v *visit, r *request) (answer, error) {
	id, err := session.ParseID(r.field("id"))
	if err != nil {
		return answer{}, problem{http.StatusBadRequest, "That names no device."}
	}
	if id == v.ID() {
		return redirect("/login"), v.Destroy()
	}
	device, err := s.sessions.Find(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound): // signed out already
	case err != nil:
		return answer{}, err
	case device.Subject != v.Subject():
		return answer{}, problem{http.StatusNotFound, "You have no such device."}
	default:
		if err := s.sessions.Revoke(ctx, id); err != nil {
			return answer{}, err
		}
	}
	return redirect("/account"), tell(v, "The device is signed out.")
}

// endOthers ends all of the visitor's sessions but this one.
func (s *site) endOthers(ctx context.Context, v *visit, _ *request) (answer, error) {
	n, err := s.sessions.RevokeAll(ctx, v.Subject(), v.ID())
	if err != nil {
		return answer{}, err
	}
	return redirect("/account"), tell(v, "Other devices signed out: %d.", n)
}

// endEverywhere ends all of the visitor's sessions.
func (s *site) endEverywhere(ctx context.Context, v *visit, _ *request) (answer, error) {
	return redirect("/login"), v.DestroyAll(ctx)
}

// tell leaves a note for the next page.
func tell(v *visit, format string, args ...any) error {
	return v.Update(func(d *visitor) error { d.Note = fmt.Sprintf(format, args...); return nil })
}
