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
