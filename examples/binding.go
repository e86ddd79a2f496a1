package main

import (
	"context"
	"strings"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/device"
)

// A bindingPage shows how the session is bound to the device of the browser.
type bindingPage struct {
	On      bool // whether the site binds sessions
	Binding session.Binding
	Log     []string
}

func (s *site) bindingPage(ctx context.Context, v *visit, r *request) (answer, error) {
	return s.show(ctx, v, r, "binding", "This device", bindingPage{s.binds, v.Binding(), s.events.binding(v.ID())})
}

// device answers a browser that registers its device, or proves it.
func (s *site) device(ctx context.Context, r *request) (answer, error) {
	_, query, _ := strings.Cut(r.target, "?")
	got := device.Answer(ctx, s.sessions, device.Request{Method: r.method, Query: query, Header: r.header})
	return answer{status: got.Status, header: got.Header, body: got.Body}, nil
}
