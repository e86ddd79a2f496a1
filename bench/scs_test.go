package bench

import (
	"encoding/gob"
	"net/http"
	"testing"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

func scsRoutes(tb testing.TB, pause func()) routes {
	return scsOn(tb, memstore.NewWithCleanupInterval(0), pause)
}

// scsOn is alexedwards/scs as its README has it: LoadAndSave around all, a
// value of the application's type under a key.
func scsOn(_ testing.TB, store scs.Store, pause func()) routes {
	gob.Register(cart{})
	sessions := scs.New()
	sessions.Store = store
	get := func(r *http.Request) cart {
		c, _ := sessions.Get(r.Context(), "cart").(cart)
		return c
	}
	return routes{
		middleware: sessions.LoadAndSave,
		unused:     unused,
		fill:       func(_ http.ResponseWriter, r *http.Request) { sessions.Put(r.Context(), "cart", ten()) },
		read:       func(w http.ResponseWriter, r *http.Request) { total(w, get(r)) },
		update: func(_ http.ResponseWriter, r *http.Request) {
			c := get(r)
			if pause != nil {
				pause()
			}
			c.Items[0].Amount++
			sessions.Put(r.Context(), "cart", c)
		},
		logout: func(w http.ResponseWriter, r *http.Request) {
			if err := sessions.Destroy(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		},
		flush: func(w http.ResponseWriter, r *http.Request) {
			sessions.Put(r.Context(), "cart", ten())
			flushed(w)
		},
	}
}
