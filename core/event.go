package session

import (
	"context"
	"log/slog"
	"time"
)

// EventKind names what happened to a session.
type EventKind string

const (
	EventCreated   EventKind = "created"   // stored for the first time
	EventLoaded    EventKind = "loaded"    // found, and opened by the secret
	EventMissed    EventKind = "missed"    // a token that opens nothing
	EventChanged   EventKind = "changed"   // data stored
	EventTouched   EventKind = "touched"   // the expiry moved
	EventConflict  EventKind = "conflict"  // another writer came first: the change is made again on the newer data, or given up
	EventRenewed   EventKind = "renewed"   // a new secret
	EventLogin     EventKind = "login"     // a subject was set
	EventDestroyed EventKind = "destroyed" // ended, by its own request or revoked
	EventExpired   EventKind = "expired"   // found past its end
	EventDiscarded EventKind = "discarded" // changes were dropped: Err says why
	EventReused    EventKind = "reused"    // a replaced secret came back when no straggler would: it was stolen, or its browser never got the new one
	EventError     EventKind = "error"     // Err says what failed
)

// An Event is reported to Options.Observer. It holds nothing secret.
type Event struct {
	Kind     EventKind
	ID       ID            // zero where no session is named
	Subject  string        // as far as it is known
	Route    string        // of the request, such as "GET /items/{id}", where the adapter knows it and the request has called Get
	Duration time.Duration // of the call to the store, if there was one
	Count    int           // of sessions, where EventDestroyed comes from RevokeAll; else zero
	Err      error
}

// watched reports whether anybody wants all events, so that nobody else pays.
func (e *engine) watched() bool { return e.opts.Observer != nil || e.opts.Logger != nil }

// level is that at which an event is logged: operators watch Warn and Error.
func (kind EventKind) level() slog.Level {
	switch kind {
	case EventError:
		return slog.LevelError
	case EventDiscarded, EventReused:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// started is when a call to the store starts, if anybody is watching.
func (e *engine) started() time.Time {
	if !e.watched() {
		return time.Time{}
	}
	return time.Now()
}

// note keeps an event until the gate is left: then nothing is held while the
// observer runs, which may ask for the session itself.
func (v *visit) note(kind EventKind, id ID, subject string, started time.Time, err error) {
	if v.engine.watched() || kind.level() > slog.LevelDebug {
		v.journal = append(v.journal, newEvent(kind, id, subject, started, err))
	}
}

// event tells of what happens outside of a visit.
func (e *engine) event(ctx context.Context, kind EventKind, id ID, subject string, started time.Time, err error) {
	if e.watched() || kind.level() > slog.LevelDebug {
		e.emit(ctx, newEvent(kind, id, subject, started, err))
	}
}

func newEvent(kind EventKind, id ID, subject string, started time.Time, err error) Event {
	e := Event{Kind: kind, ID: id, Subject: subject, Err: err}
	if !started.IsZero() {
		e.Duration = time.Since(started)
	}
	return e
}

func (e *engine) emit(ctx context.Context, event Event) {
	if x, ok := ctx.Value(e).(*Exchange); ok {
		event.Route = x.known()
	}
	logger := e.opts.Logger
	if logger == nil && event.Kind.level() > slog.LevelDebug {
		logger = slog.Default()
	}
	if logger != nil && logger.Enabled(ctx, event.Kind.level()) {
		logger.LogAttrs(ctx, event.Kind.level(), "session", event.attrs()...)
	}
	if e.opts.Observer != nil {
		e.opts.Observer(ctx, event)
	}
}

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("event", string(e.Kind)))
	if !e.ID.IsZero() {
		attrs = append(attrs, slog.String("id", e.ID.String()))
	}
	if e.Route != "" {
		attrs = append(attrs, slog.String("route", e.Route))
	}
	attrs = append(attrs, slog.Duration("duration", e.Duration))
	if e.Count > 0 {
		attrs = append(attrs, slog.Int("count", e.Count))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}
