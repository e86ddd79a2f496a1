package sessionfiber_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// cart is the data of the tests.
type cart struct {
	Items []string
}

func add(item string) func(*cart) error {
	return func(c *cart) error {
		c.Items = append(c.Items, item)
		return nil
	}
}

// shop is a manager and its store.
type shop struct {
	*session.Manager[cart]
	store *adaptertest.Store
}

func newShop(t testing.TB) shop {
	t.Helper()
	st := adaptertest.NewStore()
	m, err := session.New[cart](st, nil)
	if err != nil {
		t.Fatal(err)
	}
	return shop{m, st}
}

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

// ask sends a request to an app by app.Test, with a Cookie header unless that
// is empty.
func ask(t testing.TB, app *fiber.App, method, target, cookie string, lines ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	resp, err := app.Test(r, fiber.TestConfig{})
	return read(t, resp, err)
}

// fetch gets a page of a server.
func fetch(t testing.TB, url string) answer {
	t.Helper()
	resp, err := http.Get(url)
	return read(t, resp, err)
}

func read(t testing.TB, resp *http.Response, err error) answer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

// cookie is what a browser sends for the cookies of the answer.
func (a answer) cookie() string {
	var pairs []string
	for _, c := range a.Cookies() {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// wants checks status, body, and how many cookies there are.
func (a answer) wants(t testing.TB, status int, body string, cookies int) {
	t.Helper()
	if got := a.Cookies(); a.StatusCode != status || a.body != body || len(got) != cookies {
		t.Errorf("got status %d, body %q, cookies %v, want %d, %q, %d cookies", a.StatusCode, a.body, got, status, body, cookies)
	}
}

// update adds an item to the request's session and returns it.
func (s shop) update(c fiber.Ctx, item string) (*session.Session[cart], error) {
	held, err := s.Get(c)
	if err != nil {
		return nil, err
	}
	return held, held.Update(add(item))
}

// add is a handler that adds the item "bread" and responds with all items.
func (s shop) add(c fiber.Ctx) error {
	held, err := s.update(c, "bread")
	if err != nil {
		return err
	}
	return c.SendString(strings.Join(held.Data().Items, " "))
}

// read is a handler that responds with the items.
func (s shop) read(c fiber.Ctx) error {
	held, err := s.Get(c)
	if err != nil {
		return err
	}
	return c.SendString(strings.Join(held.Data().Items, " "))
}

// cookie makes a session with the change, and returns its Cookie header.
func (s shop) cookie(t testing.TB, change func(*cart) error) string {
	t.Helper()
	app := fiber.New()
	app.Use(sessionfiber.Middleware(s.Manager, nil))
	app.Get("/", func(c fiber.Ctx) error {
		held, err := s.Get(c)
		if err != nil {
			return err
		}
		return held.Update(change)
	})
	a := ask(t, app, "GET", "/", "")
	a.wants(t, 200, "", 1)
	return a.cookie()
}

// items are those of the session that a Cookie header opens.
func (s shop) items(t testing.TB, cookie string) string {
	t.Helper()
	app := fiber.New()
	app.Use(sessionfiber.Middleware(s.Manager, nil))
	app.Get("/", s.read)
	a := ask(t, app, "GET", "/", cookie)
	a.wants(t, 200, a.body, 0)
	return a.body
}
