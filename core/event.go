package session

import (
	"context"
	"log/slog"
	"sync"
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
	EventConflict  EventKind = "conflict"  // another writer was faster: the change is made again on the newer data, or dropped
	EventRenewed   EventKind = "renewed"   // a new secret
	EventLogin     EventKind = "login"     // a subject was set
	EventDestroyed EventKind = "destroyed" // ended: Cause says why
	EventExpired   EventKind = "expired"   // found past its end
	EventDiscarded EventKind = "discarded" // changes were dropped: Err says why
	EventReused    EventKind = "reused"    // a replaced secret came back after the window, or undid a registration: it was stolen, or its browser lost a response
	EventBound     EventKind = "bound"     // a device was registered
	EventRefreshed EventKind = "refreshed" // a new secret, by the key of the device
	EventRefused   EventKind = "refused"   // a refresh was not signed by the device of the session; anyone who knows the ID can cause this
	EventOverdue   EventKind = "overdue"   // a copy of a bound session's cookie came after its time: it was stolen, or a clock is wrong
	EventError     EventKind = "error"     // Err says what failed
)

// EndCause says why a session ended.
type EndCause string

const (
	EndLogout   EndCause = "logout"   // Session.Destroy or DestroyAll, of its own request
	EndRevoked  EndCause = "revoked"  // Manager.Revoke, RevokeAll or Import, or DestroyAll of another session
	EndLimit    EndCause = "limit"    // a login made it one more than Options.MaxPerSubject
	EndReplaced EndCause = "replaced" // its data could not be decoded, and its browser logged in anew
)

// An Event is reported to Options.Observer. It holds nothing secret, but Err may
// name the store.
type Event struct {
	Kind     EventKind
	ID       ID            // zero if the event concerns no single session
	Subject  string        // empty if not known
	Route    string        // such as "GET /items/{id}"; empty if not known
	Duration time.Duration // how long the store took; zero if it was not called, or if an earlier event counts it
	Count    int           // how many sessions RevokeAll or DestroyAll ended; zero for one session
	Cause    EndCause      // of EventDestroyed
	Again    bool          // of EventConflict: the change is made again; if not, it is dropped, or its login goes on in a new session
	Err      error         // of EventError and EventDiscarded
}

// watched reports whether a Logger or an Observer is set. Without one, most events
// are not made.
func (e *engine) watched() bool { return e.opts.Observer != nil || e.opts.Logger != nil }

// reports reports whether anybody is told of events of this kind.
func (e *engine) reports(kind EventKind) bool { return e.watched() || kind.level() > slog.LevelDebug }

// level is the level at which an event is logged. Operators watch Warn and Error.
func (kind EventKind) level() slog.Level {
	switch kind {
	case EventError:
		return slog.LevelError
	case EventDiscarded, EventReused, EventOverdue:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// started is the time now, or the zero time if no Duration is wanted.
func (e *engine) started() time.Time {
	if !e.watched() {
		return time.Time{}
	}
	return time.Now()
}

// note keeps an event until the gate is left. So the Observer may use the session
// itself.
func (v *visit) note(kind EventKind, id ID, subject string, started time.Time, err error) {
	if v.engine.reports(kind) {
		v.report(newEvent(kind, id, subject, started, err))
	}
}

// noteEnd is note for the end of a session.
func (v *visit) noteEnd(cause EndCause, id ID, subject string, started time.Time) {
	e := newEvent(EventDestroyed, id, subject, started, nil)
	e.Cause = cause
	v.report(e)
}

func (v *visit) report(e Event) {
	if v.engine.reports(e.Kind) {
		v.journal = append(v.journal, e)
	}
}

// event reports what happens outside of a visit.
func (e *engine) event(ctx context.Context, kind EventKind, id ID, subject string, started time.Time, err error) {
	if e.reports(kind) {
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
	if x, ok := ctx.Value(e.key).(*Exchange); ok {
		event.Route = x.known()
	}
	e.log(ctx, &event)
	if e.opts.Observer != nil {
		e.opts.Observer(ctx, event)
	}
}

// log writes an event to the Logger. Without one, what operators watch goes to
// slog.Default, without the subject. At most one line a second of each kind
// does: an outage must not flood a log that nobody has asked for.
func (e *engine) log(ctx context.Context, event *Event) {
	level := event.Kind.level()
	logger, alike := e.opts.Logger, 1
	if logger == nil {
		t := e.throttles[event.Kind]
		if t == nil {
			return
		}
		if alike = t.pass(time.Now()); alike == 0 {
			return
		}
		logger = slog.Default()
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := event.attrs()
	if e.opts.Logger != nil && event.Subject != "" {
		attrs = append(attrs, slog.String("subject", event.Subject))
	}
	if alike > 1 {
		attrs = append(attrs, slog.Int("events", alike)) // this one, and those of its kind since the last line
	}
	logger.LogAttrs(ctx, level, "session", attrs...)
}

// throttles makes one for each kind of event that is logged without a Logger.
func throttles() map[EventKind]*throttle {
	return map[EventKind]*throttle{EventError: {}, EventDiscarded: {}, EventReused: {}, EventOverdue: {}}
}

// A throttle lets one event a second pass, and counts the others.
type throttle struct {
	mu   sync.Mutex // guards next and held
	next time.Time
	held int
}

// pass returns zero if an event must not pass now. Otherwise it returns how many
// it stands for, itself included.
func (t *throttle) pass(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held++
	if now.Before(t.next) {
		return 0
	}
	n := t.held
	t.held, t.next = 0, now.Add(time.Second)
	return n
}

func (e *Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 8)
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
	if e.Cause != "" {
		attrs = append(attrs, slog.String("cause", string(e.Cause)))
	}
	if e.Kind == EventConflict {
		attrs = append(attrs, slog.Bool("again", e.Again))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return attrs
}
