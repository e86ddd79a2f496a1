package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	session "github.com/gostateful/session/core"
)

// live sends the cart and the clocks whenever the session changes, and the end of
// the session. It is no use of the session: an open page does not keep it alive.
func (s *site) live(ctx context.Context, _ *request) (answer, error) {
	seen, err := s.sessions.Peek(ctx)
	if err != nil && !over(err) {
		return answer{}, err
	}
	a := newAnswer(http.StatusOK, "text/event-stream", nil)
	a.stream = func(ctx context.Context, send func(string) error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		if err != nil {
			_ = send(end)
			return
		}
		for info, err := range s.sessions.Changes(ctx, seen, 15*time.Second) {
			if over(err) {
				_ = send(end) // the client may have left
			}
			if err != nil || send(s.state(info)) != nil {
				return
			}
		}
	}
	return a, nil
}

const end = "event: end\ndata: \n\n"

// over reports whether an error says that the session is not the visitor's any more.
func over(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrSuperseded)
}

// state is an event with what a page shows of a session.
func (s *site) state(info session.Info[visitor]) string {
	var cart, bindings bytes.Buffer
	err := errors.Join(
		templates.ExecuteTemplate(&cart, "cart", info.Data.Cart),
		templates.ExecuteTemplate(&bindings, "bindings", s.events.binding(info.ID)),
	)
	if err != nil {
		slog.Error("live", "error", err)
	}
	c := newClocks(info.ExpiresAt, info.LifetimeEndsAt)
	text, _ := json.Marshal(map[string]any{
		"cart": cart.String(), "bindings": bindings.String(), "idle": c.Idle.Milliseconds(), "whole": c.Whole.Milliseconds(),
	})
	return fmt.Sprintf("event: state\ndata: %s\n\n", text)
}
