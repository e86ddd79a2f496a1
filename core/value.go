package session

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"time"
)

// adopt implements typed.
func (s *Session[T]) adopt(data []byte) error {
	value, err := decode[T](&s.m.engine, data)
	if err != nil {
		return err
	}
	s.keep(value, data)
	return nil
}

// keep remembers that data decodes to value, which nobody else has.
func (s *Session[T]) keep(value *T, data []byte) {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	s.value, s.encoded, s.shared = value, data, false
}

// take returns the decoded data, in memory that nobody else sees. The session
// gives up its own copy: a failed change leaves only the encoded data.
func (s *Session[T]) take(data []byte) (*T, error) {
	mu := &s.visit.gate.mu
	mu.Lock()
	value, shared := s.value, s.shared
	if !identical(s.encoded, data) {
		value = nil
	}
	s.value = nil
	mu.Unlock()
	switch {
	case value != nil && !shared:
		return value, nil
	case value != nil:
		s.compare(value, data)
	}
	return decode[T](&s.m.engine, data)
}

// inspect implements typed.
func (s *Session[T]) inspect() {
	mu := &s.visit.gate.mu
	mu.Lock()
	value, data, shared := s.value, s.encoded, s.shared
	mu.Unlock()
	if value != nil && shared {
		s.compare(value, data)
	}
}

// compare reports a snapshot that was changed in place, if the Logger logs at
// debug level.
func (s *Session[T]) compare(snapshot *T, data []byte) {
	logger := s.m.opts.Logger
	if logger == nil || !logger.Enabled(s.visit.ctx, slog.LevelDebug) {
		return
	}
	original, err := decode[T](&s.m.engine, data)
	if err != nil || reflect.DeepEqual(original, snapshot) {
		return
	}
	err = errors.New("session: what Data returned was changed in place, and the change is lost: change it in Update")
	s.visit.note(EventError, s.visit.shown.id, "", time.Time{}, err)
}

// identical reports whether two slices are the same memory.
func identical(a, b []byte) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// decode reads data of the present codec and schema into a new T.
func decode[T any](e *engine, data []byte) (*T, error) {
	if bytes.Equal(data, e.likely.data) {
		return empty[T](), nil
	}
	v := new(T)
	if err := e.opts.Codec.Unmarshal(data, v); err != nil {
		return nil, err
	}
	fill(v)
	return v, nil
}

// empty returns the data of a new session.
func empty[T any]() *T {
	v := new(T)
	fill(v)
	return v
}

// fill makes a nil map or pointer an empty one, so that an Update function need
// not ask.
func fill[T any](v *T) {
	switch at := reflect.ValueOf(v).Elem(); at.Kind() {
	case reflect.Map:
		if at.IsNil() {
			at.Set(reflect.MakeMap(at.Type()))
		}
	case reflect.Pointer:
		if at.IsNil() {
			at.Set(reflect.New(at.Type().Elem()))
		}
	}
}
