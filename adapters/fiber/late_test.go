package sessionfiber_test

import (
	"context"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/gostateful/session/adapters/fiber"
	"github.com/gostateful/session/core"
)

// slowStore lets something happen while it creates a session.
type slowStore struct {
	*store
	creating func()
}

func (s slowStore) Create(ctx context.Context, r session.Record) error {
	s.creating()
	return s.store.Create(ctx, r)
}

// TestLateFailure: a change that another goroutine of the request makes between
// the commit and the end, and that cannot be stored, is no success either.
func TestLateFailure(t *testing.T) {
	for range 20 {
		var held *session.Session[cart]
		changed := make(chan error, 1)
		st := slowStore{newStore(), func() {
			go func() { changed <- held.Update(add("late")) }()
			// For longer than a sync.Mutex lets others overtake who waits.
			time.Sleep(3 * time.Millisecond)
		}}
		m, err := session.New[cart](st, nil)
		if err != nil {
			t.Fatal(err)
		}
		app := fiber.New()
		app.Use(sessionfiber.Middleware(m))
		app.Get("/", func(c fiber.Ctx) error {
			held, err = m.Get(c)
			if err == nil {
				err = held.Update(add("bread"))
			}
			if err == nil {
				err = held.Commit(c)
				st.lose()
			}
			return err
		})
		a := ask(t, app, "GET", "/", "")
		if accepted := <-changed == nil; accepted != (a.StatusCode == 503) {
			t.Fatalf("a change that was accepted: %t, and was lost, and the client got status %d", accepted, a.StatusCode)
		}
	}
}
