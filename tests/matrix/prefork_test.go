package matrix

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strconv"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionfiber "github.com/gostateful/session/adapters/fiber"
	session "github.com/gostateful/session/core"
	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// redisAddr is where the program that TestMain makes of this test finds Redis.
const redisAddr = "PREFORK_REDIS"

// TestMain is the program of TestPrefork when that or fiber has started it.
func TestMain(m *testing.M) {
	if addr := os.Getenv(redisAddr); addr != "" {
		log.Fatal(prefork(addr, "127.0.0.1:"+os.Args[1]))
	}
	os.Exit(m.Run())
}

// prefork serves visits in several processes, which answer who they are.
func prefork(db, addr string) error {
	client := redis.NewClient(&redis.Options{Addr: db, ContextTimeoutEnabled: true})
	visits, err := session.New[int](sessionredis.New(client, nil), &session.Options{Cookie: session.Cookie{Name: "visits", Insecure: true}})
	if err != nil {
		return err
	}
	app := fiber.New()
	app.Use(sessionfiber.Middleware(visits, nil))
	app.Get("/", func(c fiber.Ctx) error {
		s, err := visits.Get(c)
		if err != nil {
			return err
		}
		if err := s.Update(func(n *int) error { *n++; return nil }); err != nil {
			return err
		}
		return c.SendString(fmt.Sprint(s.Data(), " ", os.Getpid()))
	})
	return app.Listen(addr, fiber.ListenConfig{EnablePrefork: true, DisableStartupMessage: true})
}

// TestPrefork: the processes of a prefork app share the sessions of their store.
func TestPrefork(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	db := servers.Redis(t)
	app := servers.Start(t, servers.Program{
		Name: program,
		Env:  []string{redisAddr + "=" + db.Addr(), "GOMAXPROCS=2"},
		Args: func(s *servers.Server) []string { return []string{strconv.Itoa(s.Port)} },
	})

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}} // so that any process may answer
	processes := map[int]int{}
	n := 0
	for n < 20 || len(processes) < 2 { // until both are there, or the test is over
		n++
		resp, err := browser.Get("http://" + app.Addr())
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		var count, pid int
		_, err = fmt.Sscan(string(body), &count, &pid)
		require.NoError(t, err, "%s", body)
		require.Equal(t, n, count, "visits")
		processes[pid]++
	}
	assert.Len(t, processes, 2, "processes that answered")
}
