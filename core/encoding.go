package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"unicode"
)

// A Codec turns the data of a session, as a *T, into bytes and back.
//
// Its functions must be safe for concurrent use. They must not keep the value or
// the bytes that they are given, and must not change those bytes, such as by
// decrypting them in place: a store and other requests share them. A value must
// share no memory with its bytes, after Marshal or after Unmarshal. Marshal should
// give equal bytes for equal values. If it does not, unchanged data is written too.
type Codec struct {
	Name      string // 1 to 64 bytes, stored with the data: it shows which codec wrote it
	Marshal   func(v any) ([]byte, error)
	Unmarshal func(data []byte, v any) error // v points to a zero T

	// Merge keeps the parts of a newer program's data that this program's type does
	// not know, when this program writes the data back. stored is the data in the
	// store. before is stored, decoded and encoded again by this program. after is
	// the new value. The result is after plus the unknown parts of stored. If before
	// equals after, the result is stored.
	//
	// Merge may be nil. Data of a higher Options.Schema can then be read but not
	// changed: Update returns [ErrUndecodable].
	Merge func(stored, before, after []byte) ([]byte, error)
}

// Encoded is stored data, with the codec and the schema that wrote it.
type Encoded struct {
	Codec  string // Codec.Name
	Schema uint64 // Options.Schema
	Data   []byte
}

// JSON returns the default codec. Build on it, for example, a codec that
// encrypts.
func JSON() Codec { return jsonCodec }

// jsonCodec is the default: encoding/json. Unknown fields survive at the top
// level, under an unchanged name, in arrays of unchanged length, and in array
// elements that did not change.
var jsonCodec = Codec{Name: "json", Marshal: json.Marshal, Unmarshal: json.Unmarshal, Merge: mergeJSON}

// migrate converts data to the present codec and schema.
func (e *engine) migrate(c *content) error {
	o := &e.opts
	if c.codec == o.Codec.Name && (c.schema >= o.Schema || o.Migrate == nil) {
		return nil
	}
	if o.Migrate == nil {
		return fmt.Errorf("codec is %q, and data was written by codec %q: set Options.Migrate", o.Codec.Name, c.codec)
	}
	data, err := o.Migrate(Encoded{Codec: c.codec, Schema: c.schema, Data: bytes.Clone(c.data)})
	if err != nil {
		return fmt.Errorf("migrate from codec %q, schema %d: %w", c.codec, c.schema, err)
	}
	*c = content{codec: o.Codec.Name, schema: o.Schema, data: data}
	return nil
}

// edit lets fn change the value of old, and encodes the result.
func (s *Session[T]) edit(old content, fn func(*T) error) (content, error) {
	e := &s.m.engine
	codec := &e.opts.Codec
	changed := content{codec: codec.Name, schema: max(e.opts.Schema, old.schema)}
	if old.schema > e.opts.Schema && codec.Merge == nil {
		return old, fmt.Errorf("%w: a newer program wrote it (schema %d, this one knows %d), and codec %q has no Merge to keep what this program does not know", ErrUndecodable, old.schema, e.opts.Schema, codec.Name)
	}
	s.inspect()
	value, err := s.take(old.data)
	if err != nil {
		return old, fmt.Errorf("%w: %w", ErrUndecodable, brief{err})
	}
	before := old.data
	if codec.Merge != nil && !e.wrote(&old) {
		if before, err = codec.Marshal(value); err != nil {
			return old, mistakef("session: encode: %w", err)
		}
	}
	if err := fn(value); err != nil {
		return old, err
	}
	if err := e.encode(&changed, value, old.data, before); err != nil {
		return old, err
	}
	if bytes.Equal(before, old.data) {
		changed.fingerprint = e.fingerprint(changed.data)
	}
	return changed, s.reread(value, &changed)
}

// reread decodes an encoding and keeps the result. So [Session.Data] shows what
// is stored, without what the encoding drops, and what cannot be read back is
// not stored.
func (s *Session[T]) reread(value *T, encoded *content) error {
	e := &s.m.engine
	if e.shape.exact && !e.suspect(encoded.data) {
		// Many first visits are the last, so the data of a new session is decoded only
		// if somebody asks for it.
		var kept *T
		if !s.visit.base.isNew {
			kept = clone(value, e.shape.own)
			fill(kept)
		}
		s.keep(kept, encoded.data, write{})
		return nil
	}
	kept, err := decode[T](e, encoded.data)
	if err != nil {
		return mistakef("session: codec %q cannot decode what it encoded: %w", e.opts.Codec.Name, err)
	}
	s.keep(kept, encoded.data, write{})
	s.reportLoss(value, kept, encoded.data)
	return nil
}

// fingerprint returns the fingerprint of data that this program's type has
// encoded. A program whose type differs in any way computes another one. Data
// that was changed since has another one too, as far as a CRC can tell.
func (e *engine) fingerprint(data []byte) uint64 {
	if !e.shape.plain {
		return 0
	}
	return e.shape.hash ^ uint64(crc32.ChecksumIEEE(data))
}

// wrote reports whether this program's type has written the data, and nothing of
// it is unknown.
func (e *engine) wrote(c *content) bool {
	return c.fingerprint != 0 && c.fingerprint == e.fingerprint(c.data) || bytes.Equal(c.data, e.likely.data)
}

// suspect reports whether an encoding may lack a part of its value.
// encoding/json writes U+FFFD in place of bytes that are not UTF-8: as an
// escape, or as a character with GOEXPERIMENT=jsonv2.
func (e *engine) suspect(encoded []byte) bool {
	return e.lossy || bytes.Contains(encoded, []byte(`\ufffd`)) || bytes.Contains(encoded, []byte("\ufffd"))
}

// encode encodes a value that was made from old, and puts it into c. before is
// what the program understood of old, encoded again.
func (e *engine) encode(c *content, value any, old, before []byte) (err error) {
	codec := &e.opts.Codec
	if e.standard {
		p := new(page)
		err = json.NewEncoder(p).Encode(value) // what json.Marshal returns, and a line break
		c.data, c.page = slices.Clip(bytes.TrimSuffix(p.b, []byte("\n"))), p
	} else {
		c.data, err = codec.Marshal(value)
	}
	if err != nil {
		return mistakef("session: encode: %w", err)
	}
	if codec.Merge != nil && !bytes.Equal(before, old) {
		c.page = nil
		if c.data, err = codec.Merge(old, before, c.data); err != nil {
			return mistakef("session: merge with stored data: %w", err)
		}
	}
	if n := len(c.data); n > e.opts.MaxBytes {
		return fmt.Errorf("%w: %d bytes, and MaxBytes is %d: keep large data elsewhere and its key in the session", ErrTooLarge, n, e.opts.MaxBytes)
	}
	return nil
}

// mergeDepth bounds how deep the merge goes. Each level parses all levels below
// it again.
const mergeDepth = 32

var errTooDeep = fmt.Errorf("data that another program wrote differs more than %d levels deep, and cannot be merged", mergeDepth)

// mergeJSON is a three-way merge. The program's change wins. A name in stored
// that is not in before is kept: the program cannot have seen it. A zero value
// that before omits looks the same, and does no harm if it is kept.
func mergeJSON(stored, before, after []byte) ([]byte, error) {
	return merge(stored, before, after, mergeDepth)
}

func merge(stored, before, after []byte, depth int) ([]byte, error) {
	switch {
	case bytes.Equal(before, after):
		return stored, nil
	case bytes.Equal(stored, before):
		return after, nil
	case kind(stored) != kind(after) || kind(before) != kind(after):
		return after, nil
	case depth == 0:
		return nil, errTooDeep
	case kind(after) == '{':
		return mergeObjects(stored, before, after, depth-1)
	case kind(after) == '[':
		return mergeArrays(stored, before, after, depth-1)
	}
	return after, nil
}

// kind is the first character of a JSON text.
func kind(text []byte) byte {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 {
		return 0
	}
	return text[0]
}

func mergeObjects(stored, before, after []byte, depth int) ([]byte, error) {
	var s, b, a map[string]json.RawMessage
	if err := unmarshalAll(stored, &s, before, &b, after, &a); err != nil {
		return nil, err
	}
	merged := make(map[string]json.RawMessage, len(s)+len(a))
	for name, value := range a {
		was, understood := b[name]
		if old, ok := s[name]; ok && understood {
			var err error
			if value, err = merge(old, was, value, depth); err != nil {
				return nil, err
			}
		}
		merged[name] = value
	}
	known := make(map[string]bool, len(b)+len(a))
	for _, object := range []map[string]json.RawMessage{b, a} {
		for name := range object {
			known[fold(name)] = true
		}
	}
	for name, value := range s {
		// encoding/json ignores the case of names. So a name in another case is
		// known. If it were kept, it would overwrite the change.
		if !known[fold(name)] {
			merged[name] = value
		}
	}
	return json.Marshal(merged)
}

// fold gives names that [strings.EqualFold] takes for equal the same form.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		next := unicode.SimpleFold(r) // the letters that are equal are a ring, in order
		for next > r {
			r, next = next, unicode.SimpleFold(next)
		}
		return next // the first of them
	}, name)
}

// mergeArrays keeps the stored form of each element that the program did not
// change, wherever it stands now. If the array is as long as before, a changed
// element is merged with the stored one at its place.
func mergeArrays(stored, before, after []byte, depth int) ([]byte, error) {
	var s, b, a []json.RawMessage
	if err := unmarshalAll(stored, &s, before, &b, after, &a); err != nil {
		return nil, err
	}
	if len(s) != len(b) {
		return after, nil
	}
	places := make(map[string][]int, len(b)) // where before has an element
	for i, element := range b {
		places[string(element)] = append(places[string(element)], i)
	}
	var changed []int
	moved := make([]bool, len(b))
	for i, element := range a {
		if at := places[string(element)]; len(at) > 0 {
			a[i], places[string(element)] = s[at[0]], at[1:]
			moved[at[0]] = true
		} else {
			changed = append(changed, i)
		}
	}
	for _, i := range changed {
		if len(a) != len(b) || moved[i] {
			continue
		}
		var err error
		if a[i], err = merge(s[i], b[i], a[i], depth); err != nil {
			return nil, err
		}
	}
	return json.Marshal(a)
}

func unmarshalAll(pairs ...any) error {
	for i := 0; i < len(pairs); i += 2 {
		if err := json.Unmarshal(pairs[i].([]byte), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}
