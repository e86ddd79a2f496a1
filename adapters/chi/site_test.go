package sessionchi_test

import (
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// visit is the data of the tests.
type visit struct{ N int }

func count(v *visit) error {
	v.N++
	return nil
}

// A site is a manager and its store.
type site struct {
	*session.Manager[visit]
	store *adaptertest.Store
}

func newSite(t testing.TB, opts *session.Options) site {
	t.Helper()
	st := adaptertest.NewStore()
	m, err := session.New[visit](st, opts)
	if err != nil {
		t.Fatal(err)
	}
	return site{m, st}
}
