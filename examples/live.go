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
// the session. The request is a use of the session, and listening is none: an open
// page does not keep it alive.
func (s *site) live(_ context.Context, v *visit, _ *request) (answer, error) {
	a := newAnswer(http.StatusOK, "text/event-stream", nil)
	a.stream = func(ctx context.Context, send func(string) error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(s.closing, cancel)()
		for info, err := range v.Changes(ctx, 15*time.Second) {
			if errors.Is(err, session.ErrNotFound) {
				_ = send("event: end\ndata: \n\n") // the client may have left
			}
			if err != nil || send(state(info)) != nil {
				return
			}
		}
	}
	return a, nil
}

// state is an event with what a page shows of a session.
func state(info session.Info[visitor]) string {
	var cart bytes.Buffer
	if err := templates.ExecuteTemplate(&cart, "cart", info.Data.Cart); err != nil {
		slog.Error("cart", "error", err)
	}
	c := newClocks(info.ExpiresAt, info.CreatedAt, info.AuthenticatedAt, info.Remembered)
	text, _ := json.Marshal(map[string]any{"cart": cart.String(), "idle": c.Idle.Milliseconds(), "whole": c.Whole.Milliseconds()})
	return fmt.Sprintf("event: state\ndata: %s\n\n", text)
}
