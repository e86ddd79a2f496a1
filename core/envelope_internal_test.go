package session

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleEnvelope(previous bool) envelope {
	e := envelope{created: 1, authenticated: 2, renewed: 1_800_000_000_000, schema: 300, codec: "json", data: []byte(`{"n":1}`)}
	copy(e.secret[:], bytes.Repeat([]byte{0xaa}, 32))
	copy(e.write[:], "WRITE-ID")
	if previous {
		e.hasPrevious, e.previousUntil = true, 1_800_000_060_000
		copy(e.previous[:], bytes.Repeat([]byte{0xbb}, 32))
	}
	return e
}

func TestEnvelope(t *testing.T) {
	for _, e := range []envelope{sampleEnvelope(false), sampleEnvelope(true), {data: []byte{}}} {
		got, err := openEnvelope(e.seal(), "json")
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, e)
		}
	}
}

// The layout is a contract with every release that shares the store.
func TestEnvelopeLayout(t *testing.T) {
	want := "01" + strings.Repeat("aa", 32) + hex.EncodeToString([]byte("WRITE-ID")) +
		"01" + strings.Repeat("bb", 32) + "c0e9e985e368" + // previous, until
		"02" + "04" + "80c0e285e368" + // created, authenticated, renewed
		"ac02" + "04" + hex.EncodeToString([]byte("json")) + hex.EncodeToString([]byte(`{"n":1}`))
	e := sampleEnvelope(true)
	if got := hex.EncodeToString(e.seal()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEnvelopeBroken(t *testing.T) {
	e := sampleEnvelope(true)
	sealed := e.seal()
	for n := range len(sealed) - len(e.data) {
		if _, err := openEnvelope(sealed[:n], "json"); err == nil {
			t.Errorf("the first %d bytes were taken for an envelope", n)
		}
	}
	for at, want := range map[int]error{0: errEnvelopeFormat, 41: errEnvelopeFormat} {
		other := bytes.Clone(sealed)
		other[at] = 0x7f
		if _, err := openEnvelope(other, "json"); !errors.Is(err, want) {
			t.Errorf("byte %d: got %v, want %v", at, err, want)
		}
	}
}

func TestPossession(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	until := now.UnixMilli()
	e := envelope{hasPrevious: true, previousUntil: until}
	_, _ = rand.Read(e.secret[:])
	_, _ = rand.Read(e.previous[:])
	none := envelope{secret: e.secret}
	for _, test := range []struct {
		name string
		e    envelope
		d    digest
		now  time.Time
		want possession
	}{
		{"current", e, e.secret, now, current},
		{"previous in its grace", e, e.previous, now.Add(-time.Millisecond), graced},
		{"previous after its grace", e, e.previous, now, replaced},
		{"another", e, digest{1}, now, foreign},
		{"zero, without a previous", none, digest{}, now, foreign},
	} {
		if got := test.e.check(test.d, test.now); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, previous := range []bool{false, true} {
		e := sampleEnvelope(previous)
		f.Add(e.seal())
		f.Add(e.seal()[:60])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := openEnvelope(b, "json")
		if err != nil {
			return
		}
		again, err := openEnvelope(e.seal(), "json")
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("sealed again: got %+v, %v\nwant %+v", again, err, e)
		}
		e.check(digest{}, time.Now())
		_ = e.startedAt()
	})
}
