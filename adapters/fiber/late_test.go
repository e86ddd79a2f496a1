package sessionfiber_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// A contested store writes slowly while others try to change the session. It
// writes only twice.
type contested struct {
	*adaptertest.Store
	others func()
}

// long is longer than a sync.Mutex lets a waiter be overtaken.
const long = 2 * time.Millisecond

func (s *contested) Create(ctx context.Context, r session.Record) error {
	s.others()
	time.Sleep(long)
	return s.Store.Create(ctx, r)
}

func (s *contested) Update(ctx context.Context, r session.Record) error {
	time.Sleep(long)
	err := s.Store.Update(ctx, r)
	s.Lose()
	return err
}

func count(c *cart) error {
	n := 0
	if len(c.Items) > 0 {
		n, _ = strconv.Atoi(c.Items[0])
	}
	c.Items = []string{strconv.Itoa(n + 1)}
	return nil
}

// TestLateFailure: if a change of another goroutine, between the commit and the
// end of the request, cannot be stored, the response is no success.
func TestLateFailure(t *testing.T) {
	for lost := 0; lost < 5; {
		var held *session.Session[cart]
		accepted := make(chan int, 4)
		st := &contested{Store: adaptertest.NewStore(), others: func() {
			for range cap(accepted) {
				go func() {
					n := 0
					for n < 100 && held.Update(count) == nil {
						n++
					}
					accepted <- n
				}()
			}
		}}
		m, err := session.New[cart](st, nil)
		if err != nil {
			t.Fatal(err)
		}
		app := fiber.New()
		app.Use(sessionfiber.Middleware(m, nil))
		app.Get("/", func(c fiber.Ctx) error {
			held, err = m.Get(c)
			if err == nil {
				err = held.Update(count)
			}
			if err == nil {
				err = held.Commit(c) // while the others begin to wait
			}
			if err == nil {
				err = held.Update(count)
			}
			return err
		})
		a := ask(t, app, "GET", "/", "")
		changes := 2
		for range cap(accepted) {
			changes += <-accepted
		}
		status := 200
		if held.Data().Items[0] != strconv.Itoa(changes) {
			status = 503
			lost++
		}
		if status == 503 && (a.Header.Get("Vary") != "Cookie" || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Retry-After") == "") {
			t.Errorf("got the headers %v, want what goes with an error", a.Header)
		}
		if a.StatusCode != status {
			t.Fatalf("%d changes were accepted, the session has %q of them, and the client got status %d", changes, held.Data().Items, a.StatusCode)
		}
	}
}
