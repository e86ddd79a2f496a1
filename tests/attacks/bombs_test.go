package attacks

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// A cargo has what applications keep: fields, lists, maps by name and by number, and
// what is any.
type cargo struct {
	N     int             `json:"n"`
	Text  string          `json:"text,omitempty"`
	Items []string        `json:"items,omitempty"`
	Pairs [2]int          `json:"pairs"`
	Names map[string]int  `json:"names,omitempty"`
	Rooms map[int]int     `json:"rooms,omitempty"`
	Next  *cargo          `json:"next,omitempty"`
	Parts []cargo         `json:"parts,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
	Any   any             `json:"any,omitempty"`
}

// A manifest is a cargo of which all is known: the library copies it instead of
// decoding it again.
type manifest struct {
	N     int            `json:"n"`
	Items []string       `json:"items,omitempty"`
	Rooms map[int]int    `json:"rooms,omitempty"`
	Names map[string]int `json:"names,omitempty"`
}

// dataBombs are data of about so many bytes, which somebody who may write to the store
// has put there.
var dataBombs = map[string]func(size int) string{
	"nothing":              func(int) string { return "" },
	"no JSON":              func(n int) string { return strings.Repeat("\x00", n) },
	"spaces":               func(n int) string { return strings.Repeat(" ", n) + "{}" },
	"never closed":         func(n int) string { return strings.Repeat("[", n) },
	"never closed objects": func(n int) string { return strings.Repeat(`{"next":`, n/8) },
	"deep lists":           func(n int) string { return `{"any":` + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) + "}" },
	"deep objects":         func(n int) string { return strings.Repeat(`{"next":`, n/9) + "{}" + strings.Repeat("}", n/9) },
	"deep, where unknown":  func(n int) string { return `{"later":` + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) + "}" },
	"as deep as it goes": func(n int) string {
		depth := min(n/2, 9998)
		return `{"any":` + strings.Repeat("[", depth) + strings.Repeat("1,", n/2) + "1" + strings.Repeat("]", depth) + "}"
	},
	"deep, and different": func(n int) string {
		depth := min(n/25, 9000)
		return strings.Repeat(`{"later":1,"n":1,"next":`, depth) + "{}" + strings.Repeat("}", depth)
	},
	"a wide level at each depth": func(n int) string {
		level := `{"n":1,"later":"` + strings.Repeat("x", n/30) + `","next":`
		return strings.Repeat(level, 30) + "{}" + strings.Repeat("}", 30)
	},
	"a huge number":       func(n int) string { return `{"n":` + strings.Repeat("9", n) + "}" },
	"a huge exponent":     func(n int) string { return `{"any":1e` + strings.Repeat("9", n) + "}" },
	"a long fraction":     func(n int) string { return `{"any":0.` + strings.Repeat("3", n) + "}" },
	"a number as a name":  func(n int) string { return `{"rooms":{"` + strings.Repeat("9", n) + `":1}}` },
	"a long text":         func(n int) string { return `{"text":"` + strings.Repeat("x", n) + `"}` },
	"escapes":             func(n int) string { return `{"text":"` + strings.Repeat(`\ud800`, n/6) + `"}` },
	"bytes of no UTF-8":   func(n int) string { return `{"text":"` + strings.Repeat("\xff", n) + `"}` },
	"a long name":         func(n int) string { return `{"` + strings.Repeat("x", n) + `":1}` },
	"many items":          func(n int) string { return `{"items":[` + strings.Repeat(`"",`, n/3) + `""]}` },
	"many of what is any": func(n int) string { return `{"any":[` + strings.Repeat(`{},`, n/3) + `{}]}` },
	"many large elements": func(n int) string { return `{"parts":[` + strings.Repeat(`{},`, n/3) + `{}]}` },
	"too many of two":     func(n int) string { return `{"pairs":[` + strings.Repeat(`1,`, n/2) + `1]}` },
	"one name many times": func(n int) string { return "{" + strings.Repeat(`"n":1,`, n/6) + `"n":2}` },
	"one list many times": func(n int) string { return "{" + strings.Repeat(`"items":["x"],`, n/14) + `"n":2}` },
	"in other case":       func(n int) string { return "{" + strings.Repeat(`"N":1,"n":2,`, n/12) + `"n":2}` },
	"many unknown names":  func(n int) string { return "{" + each(n/12, `"later%d":1,`) + `"n":2}` },
	"many names":          func(n int) string { return `{"names":{` + each(n/12, `"name%d":1,`) + `"n":2}}` },
	"numbers spelled oddly": func(n int) string { // each is known, by another name
		return `{"rooms":{` + each(n/10, `"00%d":1,`) + `"1":2}}`
	},
	"another type":  func(n int) string { return `[` + strings.Repeat("1,", n/2) + `1]` },
	"raw":           func(n int) string { return `{"raw":[` + strings.Repeat("1,", n/2) + `1]}` },
	"after its end": func(n int) string { return `{"n":1}` + strings.Repeat("}", n) },
	"null":          func(n int) string { return "null" + strings.Repeat(" ", n) },
	"unlike surnames": func(n int) string {
		return `{"names":{"` + strings.Repeat("\u017f", n/2) + `":1,"` + strings.Repeat("S", n/2) + `":2}}`
	},
}

// each repeats a text with a number in it.
func each(n int, text string) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, text, i)
	}
	return all.String()
}

// TestDecodeBombs puts bombs into a store. Whatever a program does with such a session,
// it works or fails, in memory that grows no faster than the data, and with an error and
// a line in the log that are not as long as the data.
func TestDecodeBombs(t *testing.T) {
	for name, bomb := range dataBombs {
		t.Run(name, func(t *testing.T) {
			put := func(size int) func(*sealed) { return func(e *sealed) { e.data = []byte(bomb(size)) } }
			requireBounded[cargo](t, "cargo", put)
			requireBounded[manifest](t, "manifest", put)
			requireBounded[any](t, "any", put)
		})
	}
}

// envelopeBombs are envelopes of about so many bytes around good data.
var envelopeBombs = map[string]func(size int) func(*sealed){
	"a long carrier": func(n int) func(*sealed) { return func(e *sealed) { e.carrier = strings.Repeat("x", n) } },
	"a long codec":   func(n int) func(*sealed) { return func(e *sealed) { e.codec = strings.Repeat("\x01", n) } },
	"a long realm":   func(n int) func(*sealed) { return func(e *sealed) { e.fields = text("\x03", strings.Repeat("x", n)) } },
	"many realms":    func(n int) func(*sealed) { return func(e *sealed) { e.fields = strings.Repeat("\x03\x01x", n/3) } },
	"many long realms": func(n int) func(*sealed) {
		return func(e *sealed) { e.fields = strings.Repeat(text("\x03", strings.Repeat("x", n/8)), 8) }
	},
	"many previous secrets": func(n int) func(*sealed) {
		return func(e *sealed) { e.fields = strings.Repeat(text("\x01", strings.Repeat("s", 32)+"\x01"), n/35) }
	},
	"a device with a long key": func(n int) func(*sealed) { return func(e *sealed) { e.fields = device(strings.Repeat("k", n)) } },
	"many devices":             func(n int) func(*sealed) { return func(e *sealed) { e.fields = strings.Repeat(device("key"), n/25) } },
	"an unknown field":         func(n int) func(*sealed) { return func(e *sealed) { e.fields = text("\x63", strings.Repeat("x", n)) } },
	"a text without an end": func(n int) func(*sealed) {
		return func(e *sealed) { e.fields = "\x03" + length(1<<62) + strings.Repeat("x", n) }
	},
	"a length that overflows": func(n int) func(*sealed) { return func(e *sealed) { e.fields = "\x07" + strings.Repeat("\xff", n) } },
	"the longest length": func(n int) func(*sealed) {
		return func(e *sealed) { e.fields = "\x07" + length(math.MaxUint64) + strings.Repeat("x", n) }
	},
}

// TestEnvelopeBombs does the same to what is around the data.
func TestEnvelopeBombs(t *testing.T) {
	for name, bomb := range envelopeBombs {
		t.Run(name, func(t *testing.T) { requireBounded[cargo](t, "cargo", bomb) })
	}
	t.Run("times", func(t *testing.T) {
		for _, at := range []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, 1 << 40, 1 << 62, math.MaxInt64 - 1, math.MaxInt64} {
			for i := range 5 {
				explode[cargo](t, func(e *sealed) {
					if i < 3 {
						e.times[i] = at
					} else {
						e.fields = text(string([]byte{2, 4}[i-3:i-2]), string(binary.AppendVarint(nil, at)))
					}
				})
			}
		}
	})
	t.Run("cut off", func(t *testing.T) {
		whole := 0
		for n := 0; n == 0 || n < whole; n++ {
			explode[cargo](t, func(e *sealed) {
				b := e.seal()
				whole, e.raw = len(b), b[:n:n]
			})
		}
		t.Logf("%d lengths", whole)
	})
	t.Run("spoiled", func(t *testing.T) {
		dice := roll(t)
		for range tries(300, 100_000) {
			explode[cargo](t, func(e *sealed) {
				e.fields = strings.Repeat(text("\x01", strings.Repeat("s", 32)+"\x01")+text("\x02", "\x01")+device("key"), dice.IntN(2))
				e.raw = e.seal()
				for range 1 + dice.IntN(3) {
					e.raw[dice.IntN(len(e.raw))] = byte(dice.IntN(256))
				}
			})
		}
	})
}

// requireBounded has a bomb of one size explode, and one of four times that.
func requireBounded[T any](t *testing.T, kind string, bomb func(size int) func(*sealed)) {
	t.Helper()
	size := tries(2<<10, 256<<10)
	few, short := explode[T](t, bomb(size))
	many, far := explode[T](t, bomb(4*size))
	t.Logf("%s: %d bytes for %d, and %d for %d: %.0f times as many", kind, few, short, many, far, float64(many)/float64(far))
	// Slices grow by steps, and what the first bomb has filled, the second finds empty.
	const noise = 256 << 10
	growth := float64(far) / float64(short)
	require.LessOrEqual(t, float64(many), 1.6*growth*float64(few+noise), "%s: bytes allocated for %d bytes of data, when %d take %d", kind, far, short, few)
	require.LessOrEqual(t, float64(many), 10_000*float64(far)+noise, "%s: bytes allocated for %d bytes of data", kind, far)
}

// explode puts a bomb into a store, and does with the session all that a program can.
// It returns the bytes that were allocated, and the length of what was stored.
func explode[T any](t *testing.T, plant func(*sealed)) (allocated uint64, size int) {
	t.Helper()
	store, lines := memory.New(nil), &longest{}
	m, err := session.New[T](store, &session.Options{Logger: slog.New(slog.NewTextHandler(lines, nil))})
	require.NoError(t, err)
	var before, after runtime.MemStats
	for name, use := range uses[T]() {
		cookie, err := m.NewCookie(t.Context(), session.Info[T]{Subject: "ann"})
		require.NoError(t, err)
		records, err := store.List(t.Context(), "ann")
		require.NoError(t, err)
		require.Len(t, records, 1)
		rec := records[0]
		e := unseal(t, rec.Data)
		if plant(e); e.raw == nil {
			e.raw = e.seal()
		}
		rec.Data, size = e.raw, len(e.raw)
		require.NoError(t, store.Update(t.Context(), rec))

		x := new(session.Exchange)
		x.Begin(t.Context(), m, []string{cookie.Name + "=" + cookie.Value})
		runtime.ReadMemStats(&before)
		err = use(x, m, rec.ID)
		_, commitErr := x.Commit(session.Response{})
		finishErr := x.Finish()
		runtime.ReadMemStats(&after)
		allocated += after.TotalAlloc - before.TotalAlloc
		for _, err := range []error{err, commitErr, finishErr} {
			if err != nil {
				require.Less(t, len(err.Error()), 2000, "%s: the length of the error %.200s", name, err)
			}
		}
		require.Less(t, lines.most, 8000, "%s: the length of a line in the log: %.200s", name, lines.line)
		_, err = m.RevokeAll(t.Context(), "ann")
		require.NoError(t, err, "%s: whatever the session is, it can be ended", name)
	}
	return allocated, size
}

// longest keeps the longest line of a log.
type longest struct {
	most int
	line string
}

func (l *longest) Write(line []byte) (int, error) {
	if len(line) > l.most {
		l.most, l.line = len(line), string(line[:min(len(line), 500)])
	}
	return len(line), nil
}

// uses are what requests and jobs do with a session.
func uses[T any]() map[string]func(*session.Exchange, *session.Manager[T], session.ID) error {
	type manager = *session.Manager[T]
	by := func(do func(*session.Session[T]) error) func(*session.Exchange, manager, session.ID) error {
		return func(x *session.Exchange, m manager, _ session.ID) error {
			s, err := m.Get(x)
			if s != nil {
				err = errors.Join(err, do(s))
			}
			return err
		}
	}
	return map[string]func(*session.Exchange, manager, session.ID) error{
		"Data":    by(func(s *session.Session[T]) error { _ = s.Data(); return nil }),
		"Update":  by(func(s *session.Session[T]) error { return s.Update(load) }),
		"Login":   by(func(s *session.Session[T]) error { return s.Login("ann", nil) }),
		"Destroy": by(func(s *session.Session[T]) error { return s.Destroy() }),
		"Peek":    func(x *session.Exchange, m manager, _ session.ID) error { _, err := m.Peek(x); return err },
		"a job":   func(x *session.Exchange, m manager, id session.ID) error { return m.Update(x, id, load) },
		"Find":    func(x *session.Exchange, m manager, id session.ID) error { _, err := m.Find(x, id); return err },
		"List":    func(x *session.Exchange, m manager, _ session.ID) error { _, err := m.List(x, "ann"); return err },
		"UpdateAll": func(x *session.Exchange, m manager, _ session.ID) error {
			_, err := m.UpdateAll(x, "ann", load)
			return err
		},
		"All": func(x *session.Exchange, m manager, _ session.ID) (err error) {
			for _, each := range m.All(x) {
				err = errors.Join(err, each)
			}
			return err
		},
		"Revoke": func(x *session.Exchange, m manager, id session.ID) error { return m.Revoke(x, id) },
	}
}

// load changes each part that is there, so that all of it is merged.
func load[T any](v *T) error {
	switch v := any(v).(type) {
	case *cargo:
		for at := v; at != nil; at = at.Next {
			at.N++
			for i := range at.Parts {
				at.Parts[i].N++
			}
			for room := range at.Rooms {
				at.Rooms[room]++
				break
			}
			for name := range at.Names {
				at.Names[name]++
				break
			}
		}
	case *manifest:
		v.N++
		v.Items = append(v.Items, "")
		for room := range v.Rooms {
			v.Rooms[room]++
			break
		}
	case *any:
		*v = []any{*v}
	}
	return nil
}

// A sealed envelope is what core/envelope.go describes.
type sealed struct {
	start                  []byte // the format, the secret and the mark
	times                  [3]int64
	generation, schema     uint64
	carrier, codec, fields string
	data                   []byte
	raw                    []byte // in place of all this
}

func unseal(t *testing.T, b []byte) *sealed {
	t.Helper()
	end := len(b) - 4
	begin := end - int(binary.BigEndian.Uint32(b[end:]))
	e := &sealed{data: b[:begin], start: b[begin:][:41]}
	b = b[begin+41:]
	number := func() uint64 {
		n, used := binary.Uvarint(b)
		require.Positive(t, used)
		b = b[used:]
		return n
	}
	read := func() string {
		n := number()
		text := string(b[:n])
		b = b[n:]
		return text
	}
	for i := range e.times {
		at, used := binary.Varint(b)
		require.Positive(t, used)
		e.times[i], b = at, b[used:]
	}
	e.generation, e.carrier = number(), read()
	e.schema, e.codec = number(), read()
	return e // the fields are those of an own write, which a bomb is not
}

func (e *sealed) seal() []byte {
	b := append([]byte(nil), e.data...)
	b = append(b, e.start...)
	for _, at := range e.times {
		b = binary.AppendVarint(b, at)
	}
	b = binary.AppendUvarint(b, e.generation)
	b = append(b, text("", e.carrier)...)
	b = binary.AppendUvarint(b, e.schema)
	b = append(b, text("", e.codec)...)
	b = append(b, e.fields...)
	b = append(b, 0)
	return binary.BigEndian.AppendUint32(b, uint32(len(b)-len(e.data)))
}

// text is a text in an envelope, after a tag.
func text(tag, content string) string { return tag + length(uint64(len(content))) + content }

func length(n uint64) string { return string(binary.AppendUvarint(nil, n)) }

// device is the field of a device with a key.
func device(key string) string {
	field := strings.Repeat("s", 16) + string(binary.AppendVarint(nil, 1<<40)) + string(binary.AppendVarint(nil, 60_000)) + "\x00" + key
	return text("\x07", field)
}
