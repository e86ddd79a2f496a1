package main

import (
	"testing"
	"time"
)

func TestLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                 "0 min 0 s",
		61 * time.Second:                  "1 min 1 s",
		59*time.Minute + 59*time.Second:   "59 min 59 s",
		8 * time.Hour:                     "8 h 0 min",
		25*time.Hour + 59*time.Minute:     "1 d 1 h",
		90*24*time.Hour - time.Nanosecond: "89 d 23 h",
	} {
		if got := left(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// TestClocks: the lifetime counts from the login, and a login that is remembered has
// its own.
func TestClocks(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name          string
		authenticated time.Time
		remember      bool
		want          time.Duration
	}{
		{"no login", time.Time{}, false, lifetime - 2*time.Hour},
		{"login", now.Add(-time.Hour), false, lifetime - time.Hour},
		{"remembered", now.Add(-time.Hour), true, remembered.Lifetime - time.Hour},
	} {
		got := newClocks(now.Add(time.Minute), now.Add(-2*time.Hour), test.authenticated, test.remember).Whole
		if got > test.want || got < test.want-time.Minute {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}
