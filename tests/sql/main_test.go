// Package sql tests the SQL store against real databases.
package sql_test

import (
	"os"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// TestMain puts this process 25 hours from the servers of TestSettings: no time
// that is kept must depend on a zone.
func TestMain(m *testing.M) {
	if os.Getenv(jobVar) != "" {
		doJob()
		return
	}
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil { // servers that are down are what is tested
		panic(err)
	}
	if err := os.Setenv("TZ", "Pacific/Pago_Pago"); err != nil { // read at the first use of time.Local
		panic(err)
	}
	os.Exit(m.Run())
}
