package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	session "github.com/gostateful/session/core"
)

// events keeps what the manager reported last, to show it to those whom it concerns.
type events struct {
	mu   sync.Mutex // guards last
	last []seen
}

type seen struct {
	at time.Time
	session.Event
}

// add is an Observer. With many visitors, an old event makes room for a new one.
func (e *events) add(_ context.Context, event session.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.last) == 5000 {
		e.last = slices.Delete(e.last, 0, 1000)
	}
	e.last = append(e.last, seen{time.Now(), event})
}

// of returns a line for each kind of event of a session since a time, on each route.
func (e *events) of(since time.Time, id session.ID) (lines []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	times := map[string]int{}
	for _, event := range e.last {
		if event.at.Before(since) || event.ID != id {
			continue
		}
		line := fmt.Sprintf("%s: %s (%s)", event.Kind, meanings[event.Kind], event.Route)
		if times[line]++; times[line] == 1 {
			lines = append(lines, line)
		}
	}
	for i, line := range lines {
		if n := times[line]; n > 1 {
			lines[i] = fmt.Sprintf("%d × %s", n, line)
		}
	}
	return lines
}

// binding returns a line for each time that a session was bound or refreshed, the
// newest first.
func (e *events) binding(id session.ID) (lines []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range slices.Backward(e.last) {
		if event.ID == id && (event.Kind == session.EventBound || event.Kind == session.EventRefreshed) && len(lines) < 20 {
			lines = append(lines, fmt.Sprintf("%s %s: %s", event.at.Format(time.TimeOnly), event.Kind, meanings[event.Kind]))
		}
	}
	return lines
}

var meanings = map[session.EventKind]string{
	session.EventCreated:   "stored for the first time",
	session.EventLoaded:    "found, and opened by its secret",
	session.EventMissed:    "a cookie that opens nothing",
	session.EventChanged:   "data stored",
	session.EventTouched:   "the idle clock moved",
	session.EventConflict:  "another was faster, so the change is made again or dropped",
	session.EventRenewed:   "a new secret, in a new cookie",
	session.EventLogin:     "somebody signed in",
	session.EventDestroyed: "ended",
	session.EventExpired:   "found past its end",
	session.EventDiscarded: "a change was dropped",
	session.EventReused:    "an old secret came back",
	session.EventBound:     "bound to the device",
	session.EventRefreshed: "the device has proven itself, for a new cookie",
	session.EventRefused:   "somebody without the device tried to refresh it",
	session.EventOverdue:   "a copy of a cookie came after its time",
	session.EventError:     "the store failed",
}
