package main

import (
	"fmt"
	"time"
)

// Clocks are what is left of a session.
type clocks struct {
	Idle  time.Duration // if it is not used again
	Whole time.Duration // however much it is used
}

// clocksOf returns nil for a session that is not stored.
func clocksOf(v *visit) *clocks {
	if v.IsNew() {
		return nil
	}
	return newClocks(v.ExpiresAt(), v.LifetimeEndsAt())
}

func newClocks(expires, lifetimeEnds time.Time) *clocks {
	return &clocks{max(0, time.Until(expires)), max(0, time.Until(lifetimeEnds))}
}

// left writes a time with its two largest units, as script.js does.
func left(d time.Duration) string {
	s := int(d.Seconds())
	switch {
	case s >= 24*3600:
		return fmt.Sprintf("%d d %d h", s/24/3600, s/3600%24)
	case s >= 3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d min %d s", s/60, s%60)
}

// ago writes how long ago a time was.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return "less than a minute ago"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return "on " + t.UTC().Format("2 January 2006")
}
