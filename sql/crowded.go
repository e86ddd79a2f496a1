package sessionsql

import (
	"database/sql"
	"errors"
	"reflect"
	"strings"
)

// crowded reports whether the database gave up a statement because of others,
// and has undone all of it, or accepted no connection because of others. The
// package knows no driver, so it goes by what the errors of common drivers
// show.
func (t *table) crowded(err error) bool {
	switch t.dialect {
	case Postgres:
		switch sqlState(err) {
		case "40001", "40P01", "53300": // serialization failure, deadlock, too many connections
			return true
		}
	case MySQL:
		switch number(err, "Number") { // the field of go-sql-driver
		case 1205, 1213, 1020, 1040, 1203: // lock wait timeout, deadlock, changed since it was read, too many connections: all, the user's
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

// disconnected reports whether a connection ended: the database did not answer,
// or answered that it closes.
func (t *table) disconnected(err error) bool {
	if errors.Is(err, sql.ErrNoRows) {
		return false
	}
	switch t.dialect {
	case Postgres:
		state := sqlState(err)
		return state == "" || strings.HasPrefix(state, "08") || strings.HasPrefix(state, "57P")
	case MySQL:
		switch number(err, "Number") {
		case 0, 1053, 1317, 1927, 4031: // no answer, server shutdown, killed: by MySQL, by MariaDB; idle for too long
			return true
		}
	}
	return false
}

// sqlState returns the code of an error of PostgreSQL, or "".
func sqlState(err error) string {
	var e interface{ SQLState() string } // of pgx and pq
	if !errors.As(err, &e) {
		return ""
	}
	return e.SQLState()
}

// duplicate reports whether MySQL refused a row because its key is taken.
func (t *table) duplicate(err error) bool { return t.dialect == MySQL && number(err, "Number") == 1062 }

// number returns the integer that an error, or one that it wraps, has in a
// field or a method of this name, or zero.
func number(err error, name string) uint64 {
	if err == nil {
		return 0
	}
	if n := member(reflect.ValueOf(err), name); n.CanInt() {
		return uint64(n.Int())
	} else if n.CanUint() {
		return n.Uint()
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			if n := number(err, name); n != 0 {
				return n
			}
		}
	}
	return number(errors.Unwrap(err), name)
}

// member returns the result of a method without arguments, or the value of a
// field.
func member(v reflect.Value, name string) (none reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return none
	}
	if m := v.MethodByName(name); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
		return m.Call(nil)[0]
	}
	if v = reflect.Indirect(v); v.Kind() == reflect.Struct {
		if f, ok := v.Type().FieldByName(name); ok && len(f.Index) == 1 { // its own field, not one that it embeds
			return v.Field(f.Index[0])
		}
	}
	return none
}
