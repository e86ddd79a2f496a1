package main

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	session "github.com/gostateful/session/core"
)

// An adminPage is what the page of that name shows.
type adminPage struct {
	All    int            // live sessions
	Guests int            // of them, without a login
	Counts map[string]int // by user
	Names  []string       // the users, sorted
	Of     string         // the user whose sessions are listed
	List   []session.Info[visitor]
}

// forAdmin makes a handler that only the administrator may use.
func (s *site) forAdmin(do action) handler {
	return s.with(func(ctx context.Context, v *visit, r *request) (answer, error) {
		if v.Subject() != "admin" {
			return answer{}, problem{http.StatusForbidden, "This page is for the administrator."}
		}
		return do(ctx, v, r)
	})
}

func (s *site) adminPage(ctx context.Context, v *visit, r *request) (answer, error) {
	p := adminPage{Counts: map[string]int{}, Of: r.field("user")}
	for info, err := range s.sessions.All(ctx) {
		if err != nil && !errors.Is(err, session.ErrUndecodable) {
			return answer{}, err
		}
		p.All++
		if info.Subject == "" {
			p.Guests++
		} else {
			p.Counts[info.Subject]++
		}
	}
	p.Names = slices.Sorted(maps.Keys(p.Counts))
	if p.Of != "" {
		var err error
		if p.List, err = s.sessions.List(ctx, p.Of); err != nil {
			return answer{}, err
		}
	}
	return s.show(ctx, v, r, "admin", "Administration", p)
}

// endSession ends a session of anybody.
func (s *site) endSession(ctx context.Context, v *visit, r *request) (answer, error) {
	id, err := session.ParseID(r.field("id"))
	if err != nil {
		return answer{}, problem{http.StatusBadRequest, "That names no session."}
	}
	if err := s.sessions.Revoke(ctx, id); err != nil {
		return answer{}, err
	}
	return redirect("/admin"), tell(v, "The session has ended.")
}

// endUser ends all sessions of a user.
func (s *site) endUser(ctx context.Context, v *visit, r *request) (answer, error) {
	n, err := s.sessions.RevokeAll(ctx, r.field("user"))
	if err != nil {
		return answer{}, err
	}
	return redirect("/admin"), tell(v, "Sessions ended: %d.", n)
}

// noteUser leaves a note in all sessions of a user.
func (s *site) noteUser(ctx context.Context, v *visit, r *request) (answer, error) {
	note := r.field("note")
	if note == "" || len(note) > 200 {
		return answer{}, problem{http.StatusBadRequest, "Write a note, of at most 200 characters."}
	}
	n, err := s.sessions.UpdateAll(ctx, r.field("user"), func(d *visitor) error { d.Note = note; return nil })
	if err != nil {
		return answer{}, err
	}
	return redirect("/admin"), tell(v, "Sessions that have the note: %d.", n)
}
