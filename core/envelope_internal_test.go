package session

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sampleEnvelope returns an envelope without fields, or with all of them.
func sampleEnvelope(fields bool) envelope {
	e := envelope{
		created: 1, loggedIn: 2, authenticated: 2, renewed: 1_800_000_000_000, generation: 5, carrier: "session",
		content: content{schema: 300, codec: "json", data: []byte(`{"n":1}`)},
	}
	copy(e.secret[:], bytes.Repeat([]byte{0xaa}, 32))
	copy(e.mark[:], "THE-MARK")
	if fields {
		e.previousUntil = 1_800_000_060_000
		copy(e.previous[:], bytes.Repeat([]byte{0xbb}, 32))
		e.ended = 1
		e.realm = "shop"
		e.authenticated = 1
		e.clocks = Clocks{IdleTimeout: time.Second, Lifetime: 5 * time.Minute}
		e.device = binding{key: "KEY", since: 1, interval: 1000, proven: true}
		copy(e.device.salt[:], bytes.Repeat([]byte{0xcc}, 16))
	}
	return e
}

func TestEnvelope(t *testing.T) {
	asked, bound := sampleEnvelope(true), sampleEnvelope(true)
	asked.device = binding{salt: asked.device.salt, since: 2}
	bound.device.proven, bound.device.key = false, strings.Repeat("\xff", 600)
	for _, e := range []envelope{sampleEnvelope(false), sampleEnvelope(true), asked, bound, {content: content{data: []byte{}}}} {
		for _, likely := range []*envelope{{}, &e} {
			got, err := openEnvelope(e.seal(), likely)
			if err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, e)
			}
		}
	}
}

// The room behind encoded data is used once: the record of the first envelope
// shares it, and never changes.
func TestPage(t *testing.T) {
	m, err := New[struct{ N int }](struct{ Store }{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := sampleEnvelope(false)
	e.carrier, e.fingerprint = "__Host-session", 1
	if err := m.encode(&e.content, &struct{ N int }{7}, nil, nil); err != nil {
		t.Fatal(err)
	}
	first := e.seal()
	if &first[0] != &e.data[0] {
		t.Error("the data was moved")
	}
	was, next := string(first), e
	next.mark[0]++
	second := next.seal()
	if string(first) != was {
		t.Error("the second envelope changed the first record")
	}
	for _, test := range []struct {
		sealed []byte
		want   envelope
	}{{first, e}, {second, next}} {
		got, err := openEnvelope(test.sealed, &envelope{})
		test.want.page = nil
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, test.want)
		}
	}
	long := sampleEnvelope(true)
	long.realm = strings.Repeat("x", 2*pageRoom)
	if err := m.encode(&long.content, &struct{ N int }{7}, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := openEnvelope(long.seal(), &envelope{}); err != nil || got.realm != long.realm || string(got.data) != `{"N":7}` {
		t.Errorf("an envelope that is longer than the room: got %+v, %v", got, err)
	}
}

// The layout is a contract with every release that shares the store.
func TestEnvelopeLayout(t *testing.T) {
	text := func(s string) string { return hex.EncodeToString([]byte{byte(len(s))}) + hex.EncodeToString([]byte(s)) }
	head := "01" + strings.Repeat("aa", 32) + hex.EncodeToString([]byte("THE-MARK")) +
		"02" + "04" + "80c0e285e368" + "05" + // created, logged in, renewed, generation
		text("session") + "ac02" + text("json")
	data := hex.EncodeToString([]byte(`{"n":1}`))
	for _, test := range []struct {
		fields bool
		want   string
	}{
		{false, data + head + "00" + "00000042"},
		{true, data + head + "01" + "26" + strings.Repeat("bb", 32) + "c0e9e985e368" + "02" + "01" + "02" + "03" + text("shop") + "04" + "01" + "02" + "05" + "05" + "d00f" + "c0cf24" +
			"07" + "17" + strings.Repeat("cc", 16) + "02" + "d00f" + "01" + hex.EncodeToString([]byte("KEY")) + "00" + "00000096"},
	} {
		e := sampleEnvelope(test.fields)
		if got := hex.EncodeToString(e.seal()); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

func TestEnvelopeBroken(t *testing.T) {
	e := sampleEnvelope(true)
	sealed := e.seal()
	for n := range sealed {
		if _, err := openEnvelope(sealed[:n], &e); err == nil {
			t.Errorf("the first %d bytes were taken for an envelope", n)
		}
		if _, err := openEnvelope(sealed[n+1:], &e); n >= len(e.data) && err == nil {
			t.Errorf("the bytes after the first %d were taken for an envelope", n+1)
		}
	}
	for _, clocks := range []Clocks{{}, {IdleTimeout: -1}, {IdleTimeout: time.Hour}, {IdleTimeout: time.Hour, Lifetime: time.Minute}, {IdleTimeout: time.Hour, Lifetime: longest + time.Hour}} {
		other := appendField(nil, fieldClocks, nil, clocks.IdleTimeout.Milliseconds(), clocks.Lifetime.Milliseconds())
		plain := sampleEnvelope(false)
		b := plain.seal()
		b = append(b[:len(b)-5], other...) // without the end of the fields
		b = binary.BigEndian.AppendUint32(append(b, 0), uint32(len(b)+1-len(plain.data)))
		if _, err := openEnvelope(b, &e); !errors.Is(err, errEnvelopeBroken) {
			t.Errorf("clocks %v: got %v, want them refused", clocks, err)
		}
	}
	for _, interval := range []int64{0, -1, longest.Milliseconds() + 1, 1 << 62} {
		other := sampleEnvelope(true)
		other.device.interval = interval
		if _, err := openEnvelope(other.seal(), &e); !errors.Is(err, errEnvelopeBroken) {
			t.Errorf("a key whose secret is good for %d ms: got %v, want it refused", interval, err)
		}
	}
	field := bytes.Index(sealed, []byte("\x03\x04shop")) // the tag of the realm
	length := len(sealed) - 4
	for at, want := range map[int]error{len(e.data): errEnvelopeFormat, field: errEnvelopeFormat, field + 1: errEnvelopeBroken, length: errEnvelopeBroken, length + 2: errEnvelopeBroken} {
		other := bytes.Clone(sealed)
		other[at] = 0x7f
		if _, err := openEnvelope(other, &e); !errors.Is(err, want) {
			t.Errorf("byte %d: got %v, want %v", at, err, want)
		}
	}
}

// Law 3 and law 19: what each secret is good for, and when.
func TestProve(t *testing.T) {
	const window = time.Minute
	at := time.UnixMilli(1_800_000_000_000)
	ms := at.UnixMilli()
	one, two, three := digest{1}, digest{2}, digest{3}
	device := binding{salt: [16]byte{1}, key: "key", since: ms, interval: window.Milliseconds()}
	for _, test := range []struct {
		name string
		e    envelope
		d    digest
		now  time.Time
		want proof
	}{
		{"the present secret", envelope{secret: one}, one, at, current},
		{"a wrong one of a session that was never renewed", envelope{secret: one, renewed: ms}, two, at, unknown},
		{"no secret, and none before", envelope{secret: one}, digest{}, at, unknown},

		{"before a login, at once", envelope{secret: one, previous: two, renewed: ms}, two, at, superseded},
		{"before a login, last moment of the window", envelope{secret: one, previous: two, renewed: ms}, two, at.Add(window - time.Millisecond), superseded},
		{"before a login, after the window", envelope{secret: one, previous: two, renewed: ms}, two, at.Add(window), stale},
		{"before two logins", envelope{secret: one, previous: two, renewed: ms}, three, at, superseded},
		{"before two logins, after the window", envelope{secret: one, previous: two, renewed: ms}, three, at.Add(window), unknown},

		{"before an offered renewal, at once", envelope{secret: one, previous: two, previousUntil: untilUsed, renewed: ms}, two, at, earlier},
		{"the same, after the window", envelope{secret: one, previous: two, previousUntil: untilUsed, renewed: ms}, two, at.Add(window), previous},
		{"before an offered renewal, long ago", envelope{secret: one, previous: two, previousUntil: untilUsed, renewed: ms}, two, at.Add(100 * window), previous},
		{"the offered secret", envelope{secret: one, previous: two, previousUntil: untilUsed, renewed: ms}, one, at, current},
		{"before a renewal whose secret is in use", envelope{secret: one, previous: two, previousUntil: ms + 1, renewed: ms - 1e6}, two, at, previous},
		{"the same, after its time", envelope{secret: one, previous: two, previousUntil: ms, renewed: ms - 1e6}, two, at, stale},

		{"the present secret of a device, at the last moment", envelope{secret: one, device: device}, one, at.Add(2*window - time.Millisecond), current},
		{"the same, past its time", envelope{secret: one, device: device}, one, at.Add(2 * window), overdue},
		{"the same, renewed since", envelope{secret: one, device: device, renewed: ms + 1e5}, one, at.Add(2 * window), overdue},
		{"before a refresh, at the last moment", envelope{secret: one, previous: two, previousUntil: ms + 1, renewed: ms - 1e6, device: device}, two, at, previous},
		{"the same, past its time", envelope{secret: one, previous: two, previousUntil: ms, renewed: ms - 1e6, device: device}, two, at, overdue},
		{"before a refresh that came late, at once", envelope{secret: one, previous: two, previousUntil: ms, renewed: ms, device: device}, two, at, overdue},
		{"before a refresh, at once", envelope{secret: one, previous: two, previousUntil: ms + 1, renewed: ms, device: device}, two, at, earlier},
		{"before Renew of a bound session, at once", envelope{secret: one, previous: two, renewed: ms, device: device}, two, at, superseded},
		{"the same, after the window", envelope{secret: one, previous: two, renewed: ms, device: device}, two, at.Add(window), overdue},
		{"no secret of a device", envelope{secret: one, renewed: ms - 1e6, device: device}, three, at, unknown},

		{"the present secret of a tombstone", envelope{secret: one, ended: ms}, one, at, loggedOut},
		{"any secret of a tombstone", envelope{secret: one, ended: ms}, three, at, loggedOut},
		{"of a tombstone, after the window", envelope{secret: one, ended: ms}, one, at.Add(window), unknown},
	} {
		if got := test.e.prove(test.d, test.now, window); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

// A challenge is of one session, of one secret and of its time, and nobody else makes
// one.
func TestAnswers(t *testing.T) {
	now, id, salt := time.UnixMilli(1_800_000_000_000), NewID(), [16]byte{1}
	e := envelope{secret: digest{1}, device: binding{salt: salt}}
	right := e.challenge(id, now)
	stamped := []byte(right)
	copy(stamped, (&envelope{}).challenge(id, now.Add(time.Second))[:10]) // of the stamp alone
	for _, test := range []struct {
		name      string
		e         envelope
		id        ID
		challenge string
		at        time.Time
		want      bool
	}{
		{"right", e, id, right, now, true},
		{"last moment", e, id, right, now.Add(time.Minute - time.Millisecond), true},
		{"too old", e, id, right, now.Add(time.Minute), false},
		{"from another server's clock", e, id, right, now.Add(-time.Minute), true},
		{"from the future", e, id, right, now.Add(-time.Minute - time.Millisecond), false},
		{"of another session", e, NewID(), right, now, false},
		{"of another secret", envelope{secret: digest{2}, device: e.device}, id, right, now, false},
		{"of another salt", envelope{secret: e.secret, device: binding{salt: [16]byte{2}}}, id, right, now, false},
		{"with another time", e, id, string(stamped), now, false},
		{"without a salt", envelope{secret: e.secret}, id, (&envelope{secret: e.secret}).challenge(id, now), now, false},
		{"too long", e, id, right + "AAAA", now, false},
		{"a false one", e, id, falseChallenge(), now, false},
	} {
		if got := test.e.answers(test.id, test.challenge, test.at, time.Minute); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, fields := range []bool{false, true} {
		e := sampleEnvelope(fields)
		f.Add(e.seal())
		f.Add(e.seal()[:60])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := openEnvelope(b, &envelope{})
		if err != nil {
			return
		}
		again, err := openEnvelope(e.seal(), &e)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("sealed again: got %+v, %v\nwant %+v", again, err, e)
		}
		e.prove(digest{}, time.Now(), time.Minute)
		if id := NewID(); e.device.bound() && e.answers(id, falseChallenge(), time.Now(), time.Hour) {
			t.Error("a challenge that nobody made is answered")
		}
		_ = e.startedAt()
	})
}
