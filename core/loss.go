package session

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"
)

// This file finds what a codec does not keep: law 20 wants it in a log. It knows
// no codec. It compares a value with the one that its encoding decodes to.

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
		for i := range t.NumField() {
			f := t.Field(i)
			if !dropped(&f) && (!f.IsExported() && !f.Anonymous || loses(f.Type, seen)) {
				return true
			}
		}
	}
	return false
}

// dropped reports whether the application itself said that a field is not kept.
func dropped(f *reflect.StructField) bool { return f.Tag.Get("json") == "-" || f.Type.Size() == 0 }

// marshalsItself reports whether a type has an encoding of its own. What that
// keeps is the application's affair.
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

// checkType refuses a type of which the default codec keeps nothing.
func checkType(t reflect.Type) error {
	for t.Kind() == reflect.Pointer && !marshalsItself(t) {
		t = t.Elem()
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

// lost returns the path of a part of set, such as ".Cart[2].note", that kept does
// not have, and false if there is none. Empty and nil are the same to it, and so
// are numbers of equal value in an interface.
func lost(set, kept reflect.Value, path string, depth int) (string, bool) {
	if depth == 0 {
		return "", false
	}
	if set.Kind() == reflect.Interface && kept.Kind() == reflect.Interface {
		return lostInInterface(set.Elem(), kept.Elem(), path, depth-1)
	}
	if equal, known := askEqual(set, kept); known {
		return path, !equal
	}
	if set.Kind() != reflect.Struct && marshalsItself(set.Type()) {
		return "", false
	}
	switch set.Kind() {
	case reflect.Pointer:
		if set.IsNil() || kept.IsNil() {
			return path, set.IsNil() != kept.IsNil() && !set.IsNil()
		}
		return lost(set.Elem(), kept.Elem(), path, depth-1)
	case reflect.Struct:
		return lostInStruct(set, kept, path, depth-1)
	case reflect.Slice, reflect.Array:
		return lostInList(set, kept, path, depth-1)
	case reflect.Map:
		return lostInMap(set, kept, path, depth-1)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return "", false
	}
	return path, !set.Equal(kept)
}

func lostInStruct(set, kept reflect.Value, path string, depth int) (string, bool) {
	t := set.Type()
	if marshalsItself(t) {
		return "", false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if dropped(&f) {
			continue
		}
		if at, is := lost(set.Field(i), kept.Field(i), path+"."+f.Name, depth); is {
			return at, true
		}
	}
	return "", false
}

func lostInList(set, kept reflect.Value, path string, depth int) (string, bool) {
	if set.Len() != kept.Len() {
		return path, true
	}
	for i := range set.Len() {
		if at, is := lost(set.Index(i), kept.Index(i), fmt.Sprintf("%s[%d]", path, i), depth); is {
			return at, true
		}
	}
	return "", false
}

func lostInMap(set, kept reflect.Value, path string, depth int) (string, bool) {
	for entry := set.MapRange(); entry.Next(); {
		at := path + "[...]" // the key may be nobody's business
		other := kept.MapIndex(entry.Key())
		if !other.IsValid() {
			return at, true
		}
		if at, is := lost(entry.Value(), other, at, depth); is {
			return at, true
		}
	}
	return path, set.Len() != kept.Len()
}

// lostInInterface compares what two interfaces hold. A codec may give back another
// type: a float64 for an int, a map for a struct. Of these only numbers and texts
// can be compared.
func lostInInterface(set, kept reflect.Value, path string, depth int) (string, bool) {
	switch {
	case !set.IsValid():
		return path, false
	case !kept.IsValid():
		return path, set.Kind() != reflect.Pointer && set.Kind() != reflect.Map && set.Kind() != reflect.Slice
	case set.Type() == kept.Type():
		return lost(set, kept, path, depth)
	}
	a, okA := number(set)
	b, okB := number(kept)
	if okA && okB {
		return path, a.Cmp(b) != 0
	}
	return path, set.Kind() == reflect.String && kept.Kind() == reflect.String && set.String() != kept.String()
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

// askEqual asks the method Equal of a value, such as that of [time.Time], which
// ignores what no encoding keeps.
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
	return method.Call([]reflect.Value{b})[0].Bool(), true
}

// lossDepth bounds how deep the comparison goes, as data may have cycles.
const lossDepth = 100

// reportLoss reports what an Update has set and its encoding has lost.
func (s *Session[T]) reportLoss(set *T, encoded []byte) {
	s.visit.gate.mu.Lock()
	kept := s.value
	s.visit.gate.mu.Unlock()
	if kept == nil || !s.m.suspect(encoded) {
		return
	}
	path, is := lost(reflect.ValueOf(set).Elem(), reflect.ValueOf(kept).Elem(), reflect.TypeFor[T]().String(), lossDepth)
	if !is {
		return
	}
	err := errors.New("session: codec " + strings.ToValidUTF8(fmt.Sprintf("%q does not keep %s as Update has set it: export the field, or store it in another form", s.m.opts.Codec.Name, path), "?"))
	s.visit.note(EventError, s.visit.shown.id, s.visit.shown.subject, time.Time{}, err)
}
