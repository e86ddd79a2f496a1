// Package sql tests the SQL store against real databases.
package sql_test

import (
	"os"
	"testing"
)

// TestMain puts this process a day from the servers of TestSettings: no time
// that is kept must depend on a zone.
func TestMain(m *testing.M) {
	if err := os.Setenv("TZ", "Pacific/Pago_Pago"); err != nil { // read at the first use of time.Local
		panic(err)
	}
	os.Exit(m.Run())
}
