package session

import (
	"bytes"
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"
)

// This file finds data that a codec does not keep, because a log must show the
// loss (law 20). It works with any codec: it compares a value with what its
// encoding decodes to.

// loses reports whether the default codec may lose a part of a value of this
// type, other than a string that is not UTF-8. [engine.suspect] finds that one.
func loses(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] || marshalsItself(t) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return loses(t.Elem(), seen)
	case reflect.Map:
		return loses(t.Key(), seen) || loses(t.Elem(), seen)
	case reflect.Struct:
		return losesField(t, seen)
	}
	return false
}

// losesField is loses for a struct. encoding/json drops fields that share a
// name, and fields of an embedded type that another field hides.
func losesField(t reflect.Type, seen map[reflect.Type]bool) bool {
	names := make(map[string]bool)
	for i := range t.NumField() {
		f := t.Field(i)
		if dropped(&f) {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		name = cmp.Or(name, f.Name)
		if !f.IsExported() || f.Anonymous || names[name] || loses(f.Type, seen) {
			return true
		}
		names[name] = true
	}
	return false
}

// dropped reports whether the application chose not to keep a field.
func dropped(f *reflect.StructField) bool { return f.Tag.Get("json") == "-" || f.Type.Size() == 0 }

// marshalsItself reports whether a type has an encoding of its own. The
// application decides what that keeps.
func marshalsItself(t reflect.Type) bool {
	for _, marshaler := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](),
	} {
		if t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) {
			return true
		}
	}
	return false
}

// checkType refuses a type if the default codec keeps nothing of it.
func checkType(t reflect.Type) error {
	for range 10 { // bounded, because a type may point to itself
		if t.Kind() == reflect.Pointer && !marshalsItself(t) {
			t = t.Elem()
		}
	}
	if t.Kind() != reflect.Struct || t.NumField() == 0 || marshalsItself(t) {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && f.Tag.Get("json") != "-" {
			return nil
		}
	}
	return fmt.Errorf("session: %v has no exported field, so nothing of it would be stored: begin the names of its fields with an upper-case letter", t)
}

// A search finds what was lost. It remembers what it has compared, because data
// may have cycles or shared parts.
type search map[part]bool

type part struct {
	kind reflect.Type
	at   uintptr
	len  int
}

// again reports whether the search has seen a value before.
func (s search) again(v reflect.Value) bool {
	var p part
	switch v.Kind() {
	case reflect.Pointer, reflect.Map:
		p = part{kind: v.Type(), at: v.Pointer()}
	case reflect.Slice:
		p = part{v.Type(), v.Pointer(), v.Len()}
	default:
		return false
	}
	known := s[p]
	s[p] = true
	return known
}

// lost returns the path of a part of set, such as ".Cart[2].note", that kept
// lacks, and false if there is none. Empty and nil count as equal, and so do
// numbers of equal value in an interface.
func (s search) lost(set, kept reflect.Value, depth int) (path string, is bool) {
	if depth == 0 || s.again(set) {
		return "", false
	}
	if set.Kind() == reflect.Interface && kept.Kind() == reflect.Interface {
		return s.lostInInterface(set.Elem(), kept.Elem(), depth-1)
	}
	if equal, known := askEqual(set, kept); known {
		return "", !equal
	}
	if marshalsItself(set.Type()) {
		return "", false
	}
	switch set.Kind() {
	case reflect.Pointer:
		if set.IsNil() || kept.IsNil() {
			return "", !set.IsNil() && kept.IsNil()
		}
		return s.lost(set.Elem(), kept.Elem(), depth-1)
	case reflect.Struct:
		return s.lostInStruct(set, kept, depth-1)
	case reflect.Slice, reflect.Array:
		return s.lostInList(set, kept, depth-1)
	case reflect.Map:
		return s.lostInMap(set, kept, depth-1)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return "", false
	}
	return "", !set.Equal(kept)
}

func (s search) lostInStruct(set, kept reflect.Value, depth int) (string, bool) {
	t := set.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if dropped(&f) {
			continue
		}
		if at, is := s.lost(set.Field(i), kept.Field(i), depth); is {
			return "." + f.Name + at, true
		}
	}
	return "", false
}

func (s search) lostInList(set, kept reflect.Value, depth int) (string, bool) {
	if set.Len() != kept.Len() {
		return "", true
	}
	if set.Kind() == reflect.Slice && set.Type().Elem() == reflect.TypeFor[byte]() {
		return "", !bytes.Equal(set.Bytes(), kept.Bytes()) // it may be large
	}
	for i := range set.Len() {
		if at, is := s.lost(set.Index(i), kept.Index(i), depth); is {
			return fmt.Sprintf("[%d]%s", i, at), true
		}
	}
	return "", false
}

func (s search) lostInMap(set, kept reflect.Value, depth int) (string, bool) {
	for entry := set.MapRange(); entry.Next(); {
		const key = "[...]" // the key may be private
		other := kept.MapIndex(entry.Key())
		if !other.IsValid() {
			return key, true
		}
		if at, is := s.lost(entry.Value(), other, depth); is {
			return key + at, true
		}
	}
	return "", set.Len() != kept.Len()
}

// lostInInterface compares what two interfaces hold. A codec may give back another
// type: a float64 for an int, a map for a struct. Of these only numbers and texts
// can be compared.
func (s search) lostInInterface(set, kept reflect.Value, depth int) (string, bool) {
	switch {
	case !set.IsValid():
		return "", false
	case kept.IsValid() && set.Type() == kept.Type():
		return s.lost(set, kept, depth)
	case marshalsItself(set.Type()):
		return "", false
	case !kept.IsValid():
		return "", set.Kind() != reflect.Pointer && set.Kind() != reflect.Map && set.Kind() != reflect.Slice
	}
	a, okA := number(set)
	b, okB := number(kept)
	if okA && okB {
		return "", a.Cmp(b) != 0
	}
	return "", set.Kind() == reflect.String && kept.Kind() == reflect.String && set.String() != kept.String()
}

// number returns the exact value of a number.
func number(v reflect.Value) (*big.Float, bool) {
	switch {
	case v.CanInt():
		return new(big.Float).SetInt64(v.Int()), true
	case v.CanUint():
		return new(big.Float).SetInt(new(big.Int).SetUint64(v.Uint())), true
	case v.CanFloat() && v.Float() == v.Float(): // not NaN, which no Float has
		return big.NewFloat(v.Float()), true
	}
	return nil, false
}

// askEqual calls the method Equal of a value, such as [time.Time.Equal], which
// ignores what no encoding keeps. If it panics, the result is not known.
func askEqual(a, b reflect.Value) (equal, known bool) {
	if !a.CanInterface() {
		return false, false
	}
	method := a.MethodByName("Equal")
	if !method.IsValid() {
		return false, false
	}
	if t := method.Type(); t.NumIn() != 1 || t.In(0) != a.Type() || t.NumOut() != 1 || t.Out(0).Kind() != reflect.Bool {
		return false, false
	}
	if a.Kind() == reflect.Pointer && (a.IsNil() || b.IsNil()) {
		return false, false
	}
	defer func() {
		if recover() != nil {
			equal, known = false, false // a report must not fail the request
		}
	}()
	return method.Call([]reflect.Value{b})[0].Bool(), true
}

// lossDepth bounds how deep the comparison goes.
const lossDepth = 100

// reportLoss reports a part that an Update has set and the encoding has lost.
func (s *Session[T]) reportLoss(set, kept *T, encoded []byte) {
	if !s.m.suspect(encoded) {
		return
	}
	path, is := search{}.lost(reflect.ValueOf(set).Elem(), reflect.ValueOf(kept).Elem(), lossDepth)
	if !is {
		return
	}
	err := errors.New("session: codec " + strings.ToValidUTF8(fmt.Sprintf("%q does not keep %s as Update has set it: export the field, or store it in another form", s.m.opts.Codec.Name, reflect.TypeFor[T]().String()+path), "?"))
	s.visit.note(EventError, s.visit.shown().id, s.visit.shown().subject, time.Time{}, err)
}
