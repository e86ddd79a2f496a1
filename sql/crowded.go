package sessionsql

import (
	"errors"
	"reflect"
)

// crowded tells whether the database gave a statement up because of others, and
// has undone all of it. No driver is known here, so it goes by what those in use
// let one see of an error.
func (t *table) crowded(err error) bool {
	switch t.dialect {
	case Postgres:
		var e interface{ SQLState() string } // of pgx and pq
		if !errors.As(err, &e) {
			return false
		}
		state := e.SQLState()
		return state == "40001" || state == "40P01" // serialization failure, deadlock
	case MySQL:
		switch number(err, "Number") { // the field of go-sql-driver
		case 1205, 1213, 1020: // lock wait timeout, deadlock, changed since it was read
			return true
		}
	case SQLite:
		switch number(err, "Code") & 0xff { // the method of modernc, the field of mattn
		case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
			return true
		}
	}
	return false
}

// number returns the whole number that an error has as a field or a method of
// this name, or zero.
func number(err error, name string) uint64 {
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.ValueOf(err)
		var n reflect.Value
		if method := v.MethodByName(name); method.IsValid() && method.Type().NumIn() == 0 && method.Type().NumOut() == 1 {
			n = method.Call(nil)[0]
		} else if v = reflect.Indirect(v); v.Kind() == reflect.Struct {
			n = v.FieldByName(name)
		}
		switch {
		case !n.IsValid():
		case n.CanInt():
			return uint64(n.Int())
		case n.CanUint():
			return n.Uint()
		}
	}
	return 0
}
