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

// of returns a line for each event of some sessions since a time. Events that are
// alike and follow each other share a line.
func (e *events) of(since time.Time, ids ...session.ID) (lines []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	text, count := "", 0
	flush := func() {
		if count > 1 {
			text += fmt.Sprintf(" (%d times)", count)
		}
		if count > 0 {
			lines = append(lines, text)
		}
	}
	for _, event := range e.last {
		if event.at.Before(since) || !slices.Contains(ids, event.ID) {
			continue
		}
		line := string(event.Kind)
		if event.Route != "" {
			line += ", " + event.Route
		}
		if line != text {
			flush()
			text, count = line, 0
		}
		count++
	}
	flush()
	return lines
}
