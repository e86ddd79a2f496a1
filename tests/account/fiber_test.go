// Package account runs core/account in a framework that is not on net/http.
package account

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
)

type user struct{ Browser string }

// TestInFiber: the devices are mounted by fiber's adaptor, at a path and with a
// group around it, and a guard of a few lines asks account.Check.
func TestInFiber(t *testing.T) {
	users, err := session.New[user](memory.New(nil), nil)
	require.NoError(t, err)
	guard := account.Guard{LoginURL: "/login", Within: 5 * time.Minute}

	app := fiber.New()
	app.Use(sessionfiber.Middleware(users, nil))
	app.Post("/login", func(c fiber.Ctx) error {
		s, err := users.Get(c)
		if err != nil {
			return err
		}
		if err := s.Login("ann", nil); err != nil {
			return err
		}
		browser := string(c.Request().Header.UserAgent())
		return s.Update(func(u *user) error { u.Browser = browser; return nil })
	})
	requireLogin := func(c fiber.Ctx) error {
		refusal := account.Check(c, users, guard, account.Request{
			Method: c.Method(), Target: c.OriginalURL(), Accept: c.Get("Accept"), FetchMode: c.Get("Sec-Fetch-Mode"),
		})
		if refusal == nil {
			return c.Next()
		}
		for name, values := range refusal.Header {
			for _, value := range values {
				if name == fiber.HeaderVary {
					c.Vary(value)
				} else {
					c.Set(name, value)
				}
			}
		}
		return c.SendStatus(refusal.Status)
	}
	app.Get("/orders/:year", requireLogin, func(c fiber.Ctx) error { return c.SendString("none in " + c.Params("year")) })
	devices := account.Devices(users, guard, &account.DevicesOptions[user]{Describe: func(i session.Info[user]) any { return i.Data.Browser }})
	handler := adaptor.HTTPHandler(http.StripPrefix("/devices", devices))
	app.All("/devices", handler)
	app.All("/devices/*", handler)
	app.Group("/me").Use("/devices", adaptor.HTTPHandler(http.StripPrefix("/me/devices", devices)))

	ask := func(method, target, cookie string, headers ...string) (*http.Response, string) {
		t.Helper()
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("Cookie", cookie)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := app.Test(r)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp, string(body)
	}
	login := func(browser string) (cookie string) {
		t.Helper()
		resp, _ := ask("POST", "/login", "", "User-Agent", browser)
		require.Len(t, resp.Cookies(), 1)
		return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	}

	resp, _ := ask("GET", "/orders/2026?page=2", "", "Accept", "text/html")
	assert.Equal(t, 303, resp.StatusCode)
	assert.Equal(t, "/login?next=%2Forders%2F2026%3Fpage%3D2", resp.Header.Get("Location"))
	assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
	assert.Equal(t, "Accept, Sec-Fetch-Mode, Cookie", strings.Join(resp.Header.Values("Vary"), ", "))
	resp, _ = ask("GET", "/orders/2026", "", "Accept", "application/json")
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, "Cookie", resp.Header.Get("WWW-Authenticate"))
	resp, _ = ask("DELETE", "/devices/others", "")
	assert.Equal(t, 401, resp.StatusCode)

	for _, mounted := range []string{"/devices", "/me/devices"} {
		login("Safari")
		phone, laptop := login("Opera"), login("Firefox")
		_, body := ask("GET", "/orders/2026", laptop)
		assert.Equal(t, "none in 2026", body)

		resp, body := ask("GET", mounted, laptop)
		assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
		assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		var list []struct {
			ID, Device string
			Current    bool
		}
		require.NoError(t, json.Unmarshal([]byte(body), &list), body)
		require.Len(t, list, 3)
		named := map[string]string{}
		for _, device := range list {
			assert.Equal(t, device.Device == "Firefox", device.Current, device.Device)
			named[device.Device] = device.ID
		}

		resp, _ = ask("DELETE", mounted+"/"+named["Opera"], laptop, "Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 403, resp.StatusCode)
		resp, _ = ask("DELETE", mounted+"/"+named["Opera"], laptop, "Sec-Fetch-Site", "same-origin")
		assert.Equal(t, 204, resp.StatusCode)
		resp, _ = ask("GET", mounted, phone)
		assert.Equal(t, 401, resp.StatusCode, "it is revoked")
		for _, path := range []string{"/others/", "/x/others", "/x%2Fothers", "//others", "/" + named["Firefox"] + "/"} {
			resp, _ = ask("DELETE", mounted+path, laptop)
			assert.Equal(t, 404, resp.StatusCode, path)
			assert.Equal(t, "no-store", resp.Header.Get("Cache-Control"), path)
			resp, _ = ask("GET", mounted+path, laptop)
			assert.Equal(t, 404, resp.StatusCode, path)
		}
		left, err := users.List(t.Context(), "ann")
		require.NoError(t, err)
		assert.Len(t, left, 2, "nothing else is")
		resp, _ = ask("POST", mounted, laptop)
		assert.Equal(t, 405, resp.StatusCode)
		assert.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
		resp, _ = ask("DELETE", mounted+"/others", laptop)
		assert.Equal(t, 204, resp.StatusCode)
		left, err = users.List(t.Context(), "ann")
		require.NoError(t, err)
		assert.Len(t, left, 1)

		resp, _ = ask("DELETE", mounted+"/"+named["Firefox"], laptop)
		assert.Equal(t, 204, resp.StatusCode)
		require.Len(t, resp.Cookies(), 1)
		assert.Negative(t, resp.Cookies()[0].MaxAge, "the cookie is removed")
		left, err = users.List(t.Context(), "ann")
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}
