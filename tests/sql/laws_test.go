package sql_test

import (
	"testing"

	"github.com/gostateful/session/core"
	"github.com/gostateful/session/core/storetest"
	"github.com/gostateful/session/sql"
)

func TestStore(t *testing.T) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			db := e.open(t, e.start(t))
			storetest.Run(t, func(t *testing.T) session.Store {
				return e.migrated(t, db, sessionsql.Options{})
			})
		})
	}
}
