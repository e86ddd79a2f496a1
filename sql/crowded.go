package sessionsql

import (
	"database/sql"
	"errors"
	"reflect"
	"strings"
)

// crowded tells whether the database gave a statement up because of others, and
// has undone all of it, or let no connection in because of others. No driver is
// known here, so it goes by what those in use let one see of an error.
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

// disconnected tells whether a connection ended: the database did not answer, or
// its answer was that it closes.
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

// sqlState returns the code of an error of PostgreSQL, or nothing.
func sqlState(err error) string {
	var e interface{ SQLState() string } // of pgx and pq
	if !errors.As(err, &e) {
		return ""
	}
	return e.SQLState()
}

// duplicate tells whether MySQL refused a row as its key is taken.
func (t *table) duplicate(err error) bool { return t.dialect == MySQL && number(err, "Number") == 1062 }

// number returns the whole number that an error, or one that it wraps, has as a
// field or a method of this name; or zero.
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

// member returns what a method without arguments returns, or a field holds.
func member(v reflect.Value, name string) (none reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return none
	}
	if m := v.MethodByName(name); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 1 {
		return m.Call(nil)[0]
	}
	if v = reflect.Indirect(v); v.Kind() == reflect.Struct {
		if f, ok := v.Type().FieldByName(name); ok && len(f.Index) == 1 { // of its own, not of what it embeds
			return v.Field(f.Index[0])
		}
	}
	return none
}
