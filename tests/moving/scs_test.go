package moving

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/adapters/nethttp"
)

var errLost = errors.New("connection refused")

// An scsStore is the memory store of scs, which can be lost.
type scsStore struct {
	*memstore.MemStore
	lost atomic.Bool
}

func (s *scsStore) Find(token string) ([]byte, bool, error) {
	if s.lost.Load() {
		return nil, false, errLost
	}
	return s.MemStore.Find(token)
}

func startSCS(t *testing.T, m Move) ([3]http.Handler, faults) {
	store := &scsStore{MemStore: memstore.NewWithCleanupInterval(0)}
	old := scs.New()
	old.Store, old.Cookie.Secure, old.IdleTimeout = store, true, time.Hour
	old.ErrorFunc = func(w http.ResponseWriter, _ *http.Request, _ error) {
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
	}

	mux := http.NewServeMux()
	items := func(r *http.Request) []string {
		items, _ := old.Get(r.Context(), "items").([]string)
		return items
	}
	mux.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		assert.NoError(t, old.RenewToken(r.Context()))
		old.Put(r.Context(), "user", r.FormValue("user"))
	})
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, r *http.Request) { assert.NoError(t, old.Destroy(r.Context())) })
	mux.HandleFunc("POST /add", func(_ http.ResponseWriter, r *http.Request) {
		old.Put(r.Context(), "items", append(items(r), r.FormValue("item")))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page(old.GetString(r.Context(), "user"), items(r)))
	})

	f := &FromSCS{Move: m, SCS: old}
	logout := func(_ http.ResponseWriter, r *http.Request) error { return f.Logout(r) }
	first := hooks{func(_ http.ResponseWriter, r *http.Request, user string) error { return f.Login(r, user) }, logout}.mux(m.Sessions)
	second := hooks{loginAlone(&f.Move), logout}.mux(m.Sessions)
	release := func(follow Follow, routes http.Handler) http.Handler {
		handler := nethttp.Middleware(m.Sessions, nil)(old.LoadAndSave(f.Middleware(follow)(routes)))
		return http.NewCrossOriginProtection().Handler(handler)
	}
	servers := [3]http.Handler{old.LoadAndSave(mux), release(f.Together, first), release(f.NowAlone, second)}
	return servers, faults{
		expire: func() {
			all, err := store.All()
			require.NoError(t, err)
			for token, data := range all {
				require.NoError(t, store.Commit(token, data, time.Unix(1, 0)))
			}
		},
		lose: func() { store.lost.Store(true) },
	}
}
