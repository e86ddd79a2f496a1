package matrix

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionecho "github.com/gostateful/session/adapters/echo"
	sessionfiber "github.com/gostateful/session/adapters/fiber"
	sessiongin "github.com/gostateful/session/adapters/gin"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/device"
	"github.com/gostateful/session/memory"
	"github.com/gostateful/session/tests/support/proof"
)

type user struct{ Visits int }

// TestDeviceHandler: the handler of package device does its work where
// docs/device-bound.md mounts it. A browser registers, and refreshes without a cookie.
func TestDeviceHandler(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *session.Manager[user]) string{
		"gin": func(t *testing.T, sessions *session.Manager[user]) string {
			r := gin.New()
			r.Use(sessiongin.Middleware(sessions, nil))
			r.POST("/device", gin.WrapH(device.Handler(sessions)))
			r.POST("/login", gin.WrapH(handler(sessions, logIn)))
			r.POST("/who", gin.WrapH(handler(sessions, who)))
			return listen(t, r)
		},
		"echo": func(t *testing.T, sessions *session.Manager[user]) string {
			e := echo.New()
			e.Use(sessionecho.Middleware(sessions))
			e.POST("/device", echo.WrapHandler(device.Handler(sessions)))
			e.POST("/login", echo.WrapHandler(handler(sessions, logIn)))
			e.POST("/who", echo.WrapHandler(handler(sessions, who)))
			return listen(t, e)
		},
		"fiber": func(t *testing.T, sessions *session.Manager[user]) string {
			app := fiber.New()
			app.Use(sessionfiber.Middleware(sessions, nil))
			app.Post("/device", func(c fiber.Ctx) error {
				answer := device.Answer(c, sessions, device.Request{
					Method: c.Method(),
					Query:  string(c.Request().URI().QueryString()),
					Header: func(name string) string { return c.Get(name) },
				})
				for name, values := range answer.Header {
					c.Set(name, values[0])
				}
				return c.Status(answer.Status).Send(answer.Body)
			})
			for path, act := range map[string]action{"/login": logIn, "/who": who} {
				app.Post(path, func(c fiber.Ctx) error {
					text, err := act(c, sessions)
					if err != nil {
						return err
					}
					return c.SendString(text)
				})
			}
			return listenFiber(t, app)
		},
	} {
		t.Run(name, func(t *testing.T) {
			sessions, err := session.New[user](memory.New(nil), &session.Options{Device: session.Device{Path: "/device"}})
			require.NoError(t, err)
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			l := &laptop{t: t, site: start(t, sessions), key: key}
			header, _ := l.post("/login")
			found := regexp.MustCompile(`;path="(.+)";challenge="(.+)"`).FindStringSubmatch(header.Get("Secure-Session-Registration"))
			require.NotNil(t, found, "the login has the header %v", header)
			l.challenge = found[2]
			registered := l.cookie
			_, body := l.post(found[1], "Secure-Session-Response", l.proof(true))
			var told struct {
				Name string `json:"session_identifier"`
				URL  string `json:"refresh_url"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &told), body)
			require.NotEqual(t, registered, l.cookie, "the registration sets no cookie")
			_, body = l.post("/who")
			require.Equal(t, "ann bound", body)

			l.cookie = ""
			_, body = l.post(told.URL, "Sec-Secure-Session-Id", told.Name)
			assert.Equal(t, "Forbidden\n", body)
			l.post(told.URL, "Sec-Secure-Session-Id", told.Name, "Secure-Session-Response", l.proof(false))
			_, body = l.post("/who")
			assert.Equal(t, "ann bound", body)
		})
	}
}

// An action is what a handler of the site does with its session, and the text that it
// answers.
type action func(context.Context, *session.Manager[user]) (string, error)

func logIn(ctx context.Context, sessions *session.Manager[user]) (string, error) {
	s, err := sessions.Get(ctx)
	if err != nil {
		return "", err
	}
	return "", s.Login("ann", nil)
}

func who(ctx context.Context, sessions *session.Manager[user]) (string, error) {
	s, err := sessions.Get(ctx)
	if err != nil {
		return "", err
	}
	return s.Subject() + " " + string(s.Binding()), nil
}

func handler(sessions *session.Manager[user], act action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := act(r.Context(), sessions)
		if err != nil {
			session.Error(w, err)
			return
		}
		_, _ = io.WriteString(w, text)
	})
}

func listen(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// A laptop is a browser that signs by the key of its device.
type laptop struct {
	t                       *testing.T
	key                     *ecdsa.PrivateKey
	site, cookie, challenge string
}

// post sends a request with headers, names and values in turn, and learns the cookie and
// the challenge of the response.
func (l *laptop) post(path string, headers ...string) (http.Header, string) {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.site+path, nil)
	require.NoError(l.t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if l.cookie != "" {
		r.Header.Set("Cookie", l.cookie)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(l.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(l.t, err)
	for _, c := range response.Cookies() {
		l.cookie = c.Name + "=" + c.Value
	}
	if challenge, _, found := strings.Cut(response.Header.Get("Secure-Session-Challenge"), ";"); found {
		l.challenge = strings.Trim(challenge, `"`)
	}
	return response.Header, string(body)
}

// proof signs the challenge. A registration brings the key.
func (l *laptop) proof(registration bool) string {
	l.t.Helper()
	signed, err := proof.Sign(l.key, l.challenge, registration)
	require.NoError(l.t, err)
	return signed
}
