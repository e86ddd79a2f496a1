package sessionredis

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

const now = 1_795_519_000_000

var id = session.NewID()

func TestValue(t *testing.T) {
	longest := strings.Repeat("s", 255)
	for name, test := range map[string]struct {
		record session.Record
		lease  int64
		want   string
	}{
		"of nobody": {
			session.Record{Version: 1, ExpiresAt: time.UnixMilli(now + 1), Data: []byte("data")},
			0, "1795519000001 0000000000000 00000000000000000001 \x00data",
		},
		"of a subject": {
			session.Record{Version: 12, Subject: "alice", ExpiresAt: time.UnixMilli(now + 1), Data: []byte("data")},
			now + 2, "1795519000001 1795519000002 00000000000000000012 alice\x00data",
		},
		"empty": {
			session.Record{ExpiresAt: time.UnixMilli(now + 1)},
			0, "1795519000001 0000000000000 00000000000000000000 \x00",
		},
		"of a subject that looks like the rest": {
			session.Record{Version: 3, Subject: " 7 1795519000002 ", ExpiresAt: time.UnixMilli(now + 1), Data: []byte("\x00 8 \x00")},
			now + 2, "1795519000001 1795519000002 00000000000000000003  7 1795519000002 \x00\x00 8 \x00",
		},
		"the longest": {
			session.Record{Version: math.MaxUint64, Subject: longest, ExpiresAt: time.UnixMilli(latest), Data: []byte{}},
			latest, "9999999999999 9999999999999 18446744073709551615 " + longest + "\x00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.record.ID = id
			text := newValue(test.record, test.lease)
			if string(text) != test.want {
				t.Errorf("value: got %q, want %q", text, test.want)
			}
			got, lease, err := parse(id, text, now)
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			sameRecord(t, got, test.record)
			if lease != test.lease {
				t.Errorf("lease: got %d, want %d", lease, test.lease)
			}
		})
	}
	if beforeEra := newValue(session.Record{}, 0); !bytes.HasPrefix(beforeEra, []byte("0000000000000 ")) {
		t.Errorf("value of the zero time: got %q, want zeros, as a script compares texts of one width", beforeEra)
	}
}

// TestChange: an update expects what is between the expiry and the data.
func TestChange(t *testing.T) {
	r := session.Record{ID: id, Version: math.MaxUint64 - 1, Subject: "alice", ExpiresAt: time.UnixMilli(now), Data: []byte("data")}
	rest, text := change(r, now+1, now+2)
	if want := " 1795519000001 18446744073709551614 alice\x00"; string(rest) != want {
		t.Errorf("expected: got %q, want %q", rest, want)
	}
	r.Version++
	if want := newValue(r, now+2); !bytes.Equal(text, want) {
		t.Errorf("value: got %q, want %q", text, want)
	}
	if cap(rest) != len(rest) {
		t.Error("what is appended to the one would be in the other")
	}
}

func sameRecord(t *testing.T, got, want session.Record) {
	t.Helper()
	if got.ID != want.ID || got.Version != want.Version || got.Subject != want.Subject ||
		!got.ExpiresAt.Equal(want.ExpiresAt) || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseExpiry(t *testing.T) {
	text := newValue(session.Record{Version: 1, ExpiresAt: time.UnixMilli(now)}, 0)
	if _, _, err := parse(id, text, now-1); err != nil {
		t.Errorf("a millisecond before the expiry: got error %v, want the record", err)
	}
	for _, at := range []int64{now, now + 1, math.MaxInt64} {
		if _, _, err := parse(id, text, at); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%d milliseconds after the expiry: got error %v, want ErrNotFound", at-now, err)
		}
	}
}

// TestParseRefuses what another program wrote: an error, and never ErrNotFound,
// after which a new session would take its place.
func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"",
		"\x00",
		"another program's",
		`{"user":1}`,
		"1795519000001 1795519000002 00000000000000000003 alice",     // no data
		"1795519000001 1795519000002 00000000000000000003\x00alice",  // no subject
		"1795519000001 1795519000002  alice\x00",                     // no version
		"1795519000001 1795519000002 -0000000000000000003 alice\x00", // no numbers
		"1795519000001 1795519000002 +0000000000000000003 alice\x00",
		"1795519000001 1795519000002 0x000000000000000003 alice\x00",
		"1795519000001 1795519000002 0000000000000000_003 alice\x00",
		"+795519000001 1795519000002 00000000000000000003 alice\x00",
		"-795519000001 1795519000002 00000000000000000003 alice\x00",
		"1795519000001 +795519000002 00000000000000000003 alice\x00",
		"179551900000a 1795519000002 00000000000000000003 alice\x00",
		"1795519000001 1795519000002 18446744073709551616 alice\x00",
		"179551900001 1795519000002 00000000000000000003 alice\x00", // not 13 digits
		"17955190000011 795519000002 00000000000000000003 alice\x00",
		"1795519000001 1795519000002 3 alice\x00", // not 20
		"1795519000001 1795519000002 0000000000000000003 alice\x00",
		"1795519000001 1795519000002 000000000000000000003 alice\x00",
		"1795519000001\t1795519000002 00000000000000000003 alice\x00",
		"1795519000001 1795519000002\t00000000000000000003 alice\x00",
		"1795519000001 1795519000002 00000000000000000003\talice\x00",
	} {
		_, _, err := parse(id, []byte(text), now)
		if !errors.Is(err, errNoSession) || errors.Is(err, session.ErrNotFound) {
			t.Errorf("parse(%q): got error %v, want that it is no session", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(newValue(session.Record{Version: 12, Subject: "alice", ExpiresAt: time.UnixMilli(now + 1), Data: []byte("data")}, now+2))
	f.Add(newValue(session.Record{ExpiresAt: time.UnixMilli(now + 1)}, 0))
	f.Add([]byte("1795519000001 1795519000002 00000000000000000007  7 \x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := bytes.Clone(text)
		r, lease, err := parse(id, text, now)
		if !bytes.Equal(text, whole) {
			t.Fatalf("parse changed its input")
		}
		if err != nil {
			if !errors.Is(err, errNoSession) && !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("got error %v, which is none of the two", err)
			}
			return
		}
		if r.ID != id || r.ExpiresAt.UnixMilli() <= now || r.ExpiresAt.UnixMilli() > latest || strings.Contains(r.Subject, "\x00") {
			t.Fatalf("got %+v, which no store may return", r)
		}
		again, _, err := parse(id, newValue(r, lease), now)
		if err != nil {
			t.Fatalf("what was read cannot be read once it is written: %v", err)
		}
		sameRecord(t, again, r)
	})
}
