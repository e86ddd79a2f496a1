package session

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"time"
)

// known is encoded data, and what it decodes to.
type known[T any] struct {
	data  []byte
	value *T    // nil if it is not decoded
	from  write // the write that stored it; zero if none has
}

// is reports whether k has the decoded value of data. It compares memory, not
// bytes.
func (k *known[T]) is(data []byte) bool { return k.value != nil && identical(k.data, data) }

// adopt implements typed. Data that this program's type has written with the
// default codec can be decoded. That waits until somebody asks for it.
func (s *Session[T]) adopt(w write, c content) error {
	value := s.m.cache.get(w)
	if value == nil && !(s.m.standard && s.m.wrote(&c)) {
		var err error
		if value, err = decode[T](&s.m.engine, c.data); err != nil {
			return err
		}
		s.m.cache.put(w, value, len(c.data))
	}
	s.keep(value, c.data, w)
	return nil
}

// keep remembers what data decodes to. The application must not hold that
// memory.
func (s *Session[T]) keep(value *T, data []byte, from write) {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	s.known = known[T]{data, value, from}
}

// stored implements typed.
func (s *Session[T]) stored(w write) {
	if data := s.visit.shown().env.data; s.known.is(data) {
		s.known.from = w
		s.m.cache.put(w, s.known.value, len(data))
	}
}

// take is fresh for callers that do not hold the mutex.
func (s *Session[T]) take(data []byte) (*T, error) {
	mu := &s.visit.gate.mu
	mu.Lock()
	defer mu.Unlock()
	return s.fresh(data)
}

// fresh returns what data decodes to, in memory of its own. A plain value is
// copied. Any other value goes to the first caller, and is decoded again for
// the next. The caller holds the mutex.
func (s *Session[T]) fresh(data []byte) (*T, error) {
	k := &s.known
	if !identical(k.data, data) {
		return decode[T](&s.m.engine, data)
	}
	value := k.value
	if value == nil {
		var err error
		if value, err = decode[T](&s.m.engine, data); err != nil {
			return nil, err
		}
		s.m.cache.put(k.from, value, len(data))
	}
	if !s.m.shape.plain {
		k.value = nil
		return value, nil
	}
	k.value = value
	return clone(value, s.m.shape.unshare), nil
}

// inspect implements typed, if the Logger logs at debug level.
func (s *Session[T]) inspect() {
	logger := s.m.opts.Logger
	if logger == nil || !logger.Enabled(s.visit.ctx, slog.LevelDebug) {
		return
	}
	mu := &s.visit.gate.mu
	mu.Lock()
	seen := s.snapshot
	s.snapshot = known[T]{}
	mu.Unlock()
	if seen.value == nil {
		return
	}
	original, err := decode[T](&s.m.engine, seen.data)
	if err != nil || reflect.DeepEqual(original, seen.value) {
		return
	}
	err = errors.New("session: what Data returned was changed in place, and the change is lost: change it in Update")
	s.visit.note(EventError, s.visit.shown().id, "", time.Time{}, err)
}

// identical reports whether two slices share the same memory.
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

// fill replaces a nil map or pointer by an empty one, so that Update functions
// need not check.
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
