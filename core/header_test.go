package session_test

import (
	"testing"

	"github.com/gostateful/session/core"
)

func TestHeaderVaries(t *testing.T) {
	for _, test := range []struct {
		lines []string
		want  bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"Cookie"}, true},
		{[]string{"cookie"}, true},
		{[]string{"Accept, cookie ,Origin"}, true},
		{[]string{"Accept", "Origin,\tCookie"}, true},
		{[]string{"Accept-Cookie, Cookies"}, false},
		{[]string{"Set Cookie"}, false},
	} {
		if got := (session.Header{Vary: "Cookie"}).Varies(test.lines); got != test.want {
			t.Errorf("Vary lines %q: got %t, want %t", test.lines, got, test.want)
		}
		if !(session.Header{}).Varies(test.lines) {
			t.Errorf("Vary lines %q: got false, and there is nothing to add", test.lines)
		}
	}
}
