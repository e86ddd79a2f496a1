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
		case 0, 1053, 1927: // no answer, server shutdown, connection killed
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
