package session

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// Most applications declare plain data: structs, arrays, slices, maps, pointers,
// texts and numbers, without interfaces, cycles, and encodings of their own.
// Such a value can be copied, and its type describes all that is stored of it.

// A shape is what New learns about a plain T. The zero shape means that T is
// not plain.
type shape struct {
	plain   bool
	unshare unshare // nil if no copy needs it
	own     unshare // copies strings too; used if exact
	hash    uint64  // of all that decides how a T is encoded

	// exact means that the default codec gives back each value unchanged, except
	// strings that are not UTF-8.
	exact bool
}

// shapeOf returns the shape of a type. lossy is the result of loses, or true
// for a codec other than the default.
func shapeOf(t reflect.Type, lossy bool) shape {
	d := describer{hash: sha256.New(), inside: map[reflect.Type]bool{}, exact: !lossy}
	unshare, plain := d.describe(t)
	if !plain {
		return shape{}
	}
	s := shape{plain: true, unshare: unshare, hash: binary.BigEndian.Uint64(d.hash.Sum(nil)), exact: d.exact}
	d.strings = true
	s.own, plain = d.describe(t)
	s.exact = s.exact && plain
	return s
}

// These are the interfaces of encoding/gob. That package is too large to import
// for them.
type (
	gobEncoder interface{ GobEncode() ([]byte, error) }
	gobDecoder interface{ GobDecode(data []byte) error }
)

// An unshare makes a copy share no memory with its original, except strings.
// Strings that come from the application are copied too, because some
// frameworks, such as fiber, reuse their memory for the next request. Before it,
// the copy equals its original bit by bit.
type unshare func(copied, original reflect.Value)

// clone copies a value of a plain type.
func clone[T any](v *T, unshare unshare) *T {
	c := new(T)
	*c = *v
	if unshare != nil {
		unshare(reflect.ValueOf(c).Elem(), reflect.ValueOf(v).Elem())
	}
	return c
}

// A describer walks through a type, and stops where it is not plain.
type describer struct {
	hash    hash.Hash
	inside  map[reflect.Type]bool // types that contain the present one
	exact   bool
	strings bool // strings are copied
}

// describe returns how to copy values of a type, and false if it is not plain.
func (d *describer) describe(t reflect.Type) (unshare, bool) {
	if t == reflect.TypeFor[time.Time]() { // it is immutable, and its encoding drops a part
		fmt.Fprint(d.hash, "time")
		d.exact = false
		return nil, true
	}
	if d.inside[t] || t.Kind() != reflect.Pointer && encodesItself(t) {
		return nil, false
	}
	d.inside[t] = true
	defer delete(d.inside, t)
	fmt.Fprint(d.hash, t.Kind(), "{")
	defer fmt.Fprint(d.hash, "}")
	switch t.Kind() {
	case reflect.Struct:
		return d.describeStruct(t)
	case reflect.Pointer:
		return d.describePointer(t)
	case reflect.Slice:
		return d.describeSlice(t)
	case reflect.Array:
		return d.describeArray(t)
	case reflect.Map:
		return d.describeMap(t)
	case reflect.String:
		if t == reflect.TypeFor[json.Number]() { // encoding/json knows it, and writes 0 for an empty one
			fmt.Fprint(d.hash, "number")
			d.exact = false
		}
		if d.strings {
			return func(c, v reflect.Value) { c.SetString(strings.Clone(v.String())) }, true
		}
	}
	return nil, t.Kind() == reflect.String || t.Kind() == reflect.Bool || isNumber(t.Kind())
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr
}

// encodesItself reports whether a type has its own encoding, in any form that a
// codec may ask for. A copy of its fields might not be a copy of its value.
func encodesItself(t reflect.Type) bool {
	for _, own := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
		reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler](),
		reflect.TypeFor[gobEncoder](), reflect.TypeFor[gobDecoder](),
		reflect.TypeFor[interface{ MarshalCBOR() ([]byte, error) }](),
		reflect.TypeFor[interface{ UnmarshalCBOR([]byte) error }](),
	} {
		if t.Implements(own) || reflect.PointerTo(t).Implements(own) {
			return true
		}
	}
	return false
}

func (d *describer) describeStruct(t reflect.Type) (unshare, bool) {
	type part struct {
		at      int
		unshare unshare
	}
	var parts []part
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintf(d.hash, "%q %q %t ", f.Name, f.Tag, f.Anonymous)
		unshare, plain := d.describe(f.Type)
		if !plain || unshare != nil && !f.IsExported() {
			return nil, false
		}
		if unshare != nil {
			parts = append(parts, part{i, unshare})
		}
		d.exact = d.exact && keptAsItIs(&f)
	}
	if parts == nil {
		return nil, true
	}
	return func(c, v reflect.Value) {
		for _, p := range parts {
			p.unshare(c.Field(p.at), v.Field(p.at))
		}
	}, true
}

// keptAsItIs reports whether encoding/json keeps a field under the name that
// [losesField] assumes, and tells an empty value from nil.
func keptAsItIs(f *reflect.StructField) bool {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	odd := strings.ContainsFunc(name, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return !odd && options == "" && f.Type.Size() > 0
}

func (d *describer) describePointer(t reflect.Type) (unshare, bool) {
	element := t.Elem()
	unshare, plain := d.describe(element)
	switch element.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		d.exact = false // a pointer to nil becomes nil
	}
	return func(c, v reflect.Value) {
		if v.IsNil() {
			return
		}
		c.Set(reflect.New(element))
		c.Elem().Set(v.Elem())
		if unshare != nil {
			unshare(c.Elem(), v.Elem())
		}
	}, plain
}

func (d *describer) describeSlice(t reflect.Type) (unshare, bool) {
	unshare, plain := d.describe(t.Elem())
	empty := reflect.MakeSlice(t, 0, 0)
	return func(c, v reflect.Value) {
		switch {
		case v.IsNil():
			return
		case v.Len() == 0:
			c.Set(empty) // the original may have room for much
			return
		}
		c.SetZero()
		c.Grow(v.Len()) // reflect.MakeSlice would allocate a header too
		c.SetLen(v.Len())
		reflect.Copy(c, v)
		unshareAll(c, v, unshare)
	}, plain
}

func (d *describer) describeArray(t reflect.Type) (unshare, bool) {
	fmt.Fprint(d.hash, t.Len())
	unshare, plain := d.describe(t.Elem())
	if unshare == nil {
		return nil, plain
	}
	return func(c, v reflect.Value) { unshareAll(c, v, unshare) }, plain
}

func unshareAll(c, v reflect.Value, unshare unshare) {
	if unshare == nil {
		return
	}
	for i := range v.Len() {
		unshare(c.Index(i), v.Index(i))
	}
}

func (d *describer) describeMap(t reflect.Type) (unshare, bool) {
	if k := t.Key().Kind(); k != reflect.String && !isNumber(k) {
		return nil, false
	}
	unshareKey, plainKey := d.describe(t.Key())
	unshare, plain := d.describe(t.Elem())
	return func(c, v reflect.Value) {
		if v.IsNil() {
			return
		}
		c.Set(reflect.MakeMapWithSize(t, v.Len()))
		key, element, copied := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem(), reflect.New(t.Elem()).Elem()
		for entry := v.MapRange(); entry.Next(); {
			key.SetIterKey(entry)
			element.SetIterValue(entry)
			copied.Set(element)
			if unshareKey != nil {
				unshareKey(key, key)
			}
			if unshare != nil {
				unshare(copied, element)
			}
			c.SetMapIndex(key, copied)
		}
	}, plain && plainKey
}
