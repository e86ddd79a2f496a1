package bench

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/gob"
	"net/http"
	"sync"
	"testing"

	"github.com/boj/redistore"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/wader/gormstore/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

var gorillaKey = bytes.Repeat([]byte("k"), 32)

// gorillaOn is gorilla/sessions as its README has it: no middleware, and each
// handler saves.
func gorillaOn(_ testing.TB, store sessions.Store, pause func()) routes {
	gob.Register(cart{})
	handle := func(save bool, do func(w http.ResponseWriter, s *sessions.Session, c *cart)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			s, err := store.Get(r, "session")
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			c, _ := s.Values["cart"].(cart)
			do(w, s, &c)
			if !save {
				return
			}
			s.Values["cart"] = c
			if err := s.Save(r, w); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}
	}
	fill := handle(true, func(_ http.ResponseWriter, _ *sessions.Session, c *cart) { *c = ten() })
	return routes{
		unused: unused,
		fill:   fill,
		read:   handle(false, func(w http.ResponseWriter, _ *sessions.Session, c *cart) { total(w, *c) }),
		update: handle(true, func(_ http.ResponseWriter, _ *sessions.Session, c *cart) {
			if pause != nil {
				pause()
			}
			c.Items[0].Amount++
		}),
		logout: handle(true, func(_ http.ResponseWriter, s *sessions.Session, _ *cart) { s.Options.MaxAge = -1 }),
		flush: func(w http.ResponseWriter, r *http.Request) {
			fill(w, r)
			flushed(w)
		},
	}
}

// A gorillaStore keeps sessions in memory. gorilla/sessions has no such store,
// so this is its FilesystemStore with a map in place of the files: a signed ID
// in the cookie, the values in gob.
type gorillaStore struct {
	codecs  []securecookie.Codec
	options sessions.Options
	mu      sync.Mutex
	values  map[string][]byte
}

func newGorillaStore() *gorillaStore {
	return &gorillaStore{
		codecs:  securecookie.CodecsFromPairs(gorillaKey),
		options: sessions.Options{Path: "/", MaxAge: 86400, HttpOnly: true, SameSite: http.SameSiteLaxMode},
		values:  map[string][]byte{},
	}
}

func (s *gorillaStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

func (s *gorillaStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := s.options
	session.Options, session.IsNew = &options, true
	c, err := r.Cookie(name)
	if err != nil {
		return session, nil
	}
	if err := securecookie.DecodeMulti(name, c.Value, &session.ID, s.codecs...); err != nil {
		return session, err
	}
	s.mu.Lock()
	data, ok := s.values[session.ID]
	s.mu.Unlock()
	if !ok {
		return session, nil
	}
	session.IsNew = false
	return session, gob.NewDecoder(bytes.NewReader(data)).Decode(&session.Values)
}

func (s *gorillaStore) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge <= 0 {
		s.mu.Lock()
		delete(s.values, session.ID)
		s.mu.Unlock()
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	if session.ID == "" {
		session.ID = rand.Text()
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(session.Values); err != nil {
		return err
	}
	s.mu.Lock()
	s.values[session.ID] = b.Bytes()
	s.mu.Unlock()
	encoded, err := securecookie.EncodeMulti(session.Name(), session.ID, s.codecs...)
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), encoded, session.Options))
	return nil
}

// gorillaRedis is boj/redistore.
func gorillaRedis(tb testing.TB, addr string) sessions.Store {
	store, err := redistore.NewRediStore(10, "tcp", addr, "", "", gorillaKey)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	return store
}

// gorillaGorm is wader/gormstore.
func gorillaGorm(tb testing.TB, dialector gorm.Dialector) sessions.Store {
	db := must[*gorm.DB](tb)(gorm.Open(dialector, &gorm.Config{Logger: logger.Discard}))
	pool := must[*sql.DB](tb)(db.DB())
	pool.SetMaxOpenConns(20)
	pool.SetMaxIdleConns(20)
	tb.Cleanup(func() { _ = pool.Close() })
	return gormstore.NewOptions(db, gormstore.Options{TableName: "gorilla"}, gorillaKey)
}
