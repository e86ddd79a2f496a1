// Package readme holds the READMEs to what they show.
package readme

import (
	"context"
	"encoding/json"
	"fmt"
	"go/format"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
)

// shown is where a README's program listens. The test moves it elsewhere, and
// so it does with what the program connects to.
const shown = "localhost:8080"

// ours begins the paths of this project's modules.
const ours = "github.com/gostateful/session/"

// A readme has a program, and a curl session with it.
type readme struct {
	name    string
	backend func(t *testing.T) (moves []string) // from what is shown to where it is
	brings  []string                            // what is required besides the project's modules
	store   string                              // of a store's README: what makes it, for two managers
	imports []string                            // and what that imports, as lines of code
}

var readmes = []readme{
	{name: "README.md"},
	{
		name:    "memory/README.md",
		store:   "memory.New(nil)",
		imports: []string{`"github.com/gostateful/session/memory"`},
	},
	{name: "adapters/chi/README.md", brings: []string{"github.com/go-chi/chi/v5"}},
	{name: "adapters/echo/README.md", brings: []string{"github.com/labstack/echo/v5", "golang.org/x/time"}},
	{name: "adapters/fiber/README.md", brings: []string{
		"github.com/gofiber/fiber/v3", "github.com/andybalholm/brotli", "github.com/gofiber/schema", "github.com/gofiber/utils/v2",
		"github.com/google/uuid", "github.com/klauspost/compress", "github.com/mattn/go-colorable", "github.com/mattn/go-isatty",
		"github.com/philhofer/fwd", "github.com/tinylib/msgp", "github.com/valyala/bytebufferpool", "github.com/valyala/fasthttp",
		"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text",
	}},
	{name: "adapters/gin/README.md", brings: []string{
		"github.com/gin-gonic/gin", "github.com/bytedance/gopkg", "github.com/bytedance/sonic", "github.com/bytedance/sonic/loader",
		"github.com/cloudwego/base64x", "github.com/gabriel-vasile/mimetype", "github.com/gin-contrib/sse", "github.com/go-playground/locales",
		"github.com/go-playground/universal-translator", "github.com/go-playground/validator/v10", "github.com/goccy/go-json", "github.com/goccy/go-yaml",
		"github.com/json-iterator/go", "github.com/klauspost/cpuid/v2", "github.com/leodido/go-urn", "github.com/mattn/go-isatty",
		"github.com/modern-go/concurrent", "github.com/modern-go/reflect2", "github.com/pelletier/go-toml/v2", "github.com/quic-go/qpack",
		"github.com/quic-go/quic-go", "github.com/twitchyliquid64/golang-asm", "github.com/ugorji/go/codec", "go.mongodb.org/mongo-driver/v2",
		"golang.org/x/arch", "golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sys", "golang.org/x/text", "google.golang.org/protobuf",
	}},
	{name: "adapters/nethttp/README.md"},
	{name: "otel/README.md", brings: []string{
		"github.com/prometheus/client_golang", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/exporters/prometheus",
		"go.opentelemetry.io/otel/sdk/metric", "github.com/beorn7/perks", "github.com/cespare/xxhash/v2", "github.com/go-logr/logr",
		"github.com/go-logr/stdr", "github.com/google/uuid", "github.com/munnerz/goautoneg", "github.com/prometheus/client_model",
		"github.com/prometheus/common", "github.com/prometheus/otlptranslator", "github.com/prometheus/procfs", "go.opentelemetry.io/auto/sdk",
		"go.opentelemetry.io/otel/log", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/trace",
		"golang.org/x/sys", "google.golang.org/protobuf",
	}},
	{
		name: "redis/README.md",
		backend: func(t *testing.T) []string {
			s := servers.Redis(t)
			return []string{"localhost:6379", s.Addr(), "redis-cli", fmt.Sprint("redis-cli -p ", s.Port)}
		},
		brings: []string{
			"github.com/redis/go-redis/v9", "github.com/cespare/xxhash/v2", "go.uber.org/atomic", "golang.org/x/sys",
		},
		store:   `sessionredis.New(redis.NewClient(&redis.Options{Addr: "localhost:6379"}), nil)`,
		imports: []string{`"github.com/redis/go-redis/v9"`, `sessionredis "github.com/gostateful/session/redis"`},
	},
	{
		name: "sql/README.md",
		backend: func(t *testing.T) []string {
			s := servers.Postgres(t)
			psql, err := s.Command(t.Context(), "psql") // may not be on PATH
			require.NoError(t, err)
			return []string{"localhost:5432", s.Addr(), "psql -At", psql.Path + " -At"}
		},
		brings: []string{
			"github.com/google/uuid",
			"github.com/jackc/pgx/v5", "github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "github.com/jackc/puddle/v2",
			"golang.org/x/sync", "golang.org/x/text",
		},
		store: `func() *sessionsql.Store {
			db, err := sql.Open("pgx", "postgres://postgres@localhost:5432/postgres")
			if err != nil {
				log.Fatal(err)
			}
			store := sessionsql.New(db, sessionsql.Postgres, nil)
			if err := store.Migrate(context.Background()); err != nil {
				log.Fatal(err)
			}
			return store
		}()`,
		imports: []string{`"database/sql"`, `sessionsql "github.com/gostateful/session/sql"`, `_ "github.com/jackc/pgx/v5/stdlib"`},
	},
}

// TestPrograms builds the program of each README in a module of its own, as a
// reader does, and repeats its curl session. Then it does the same with the two
// managers that the READMEs of stores show.
func TestPrograms(t *testing.T) {
	for _, readme := range readmes {
		t.Run(readme.name, func(t *testing.T) {
			moves := append([]string{shown, freeAddr(t)}, readme.moves(t)...)
			readme.test(t, read(t, readme.name), moves)
		})
	}
}

// moves starts what the program connects to.
func (r *readme) moves(t *testing.T) []string {
	if r.backend == nil {
		return nil
	}
	return r.backend(t)
}

func (r *readme) test(t *testing.T, text string, moves []string) {
	program, transcript := block(t, text, "go", "package main"), block(t, text, "console", "$ curl")
	formatted, err := format.Source([]byte(program))
	require.NoError(t, err)
	assert.Equal(t, string(formatted), program, "the program is not formatted")
	before, _, _ := strings.Cut(text, "package main")
	assert.Less(t, strings.Count(before, "\n"), 20, "lines of the README before its program")

	addr, move := moves[1], strings.NewReplacer(moves...)
	files := map[string]string{"main.go": move.Replace(program)}
	if r.store != "" {
		files["managers/main.go"] = move.Replace(r.twoManagers(t, text))
	}
	dir := module(t, files, r.brings...)
	gotool.Run(t, dir, "off", "build", "-o", "program")
	servers.Start(t, servers.Program{
		Name: filepath.Join(dir, "program"),
		Args: func(*servers.Server) []string { return nil },
		Ready: func(ctx context.Context, _ *servers.Server) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			return conn.Close()
		},
	})
	assert.Equal(t, settle(transcript), settle(replay(t, move.Replace(transcript), moves...)))
	if r.store != "" {
		t.Run("TwoManagers", func(t *testing.T) { r.testTwoManagers(t, text, dir, moves) })
	}
}

// TestOtherSites: a program that takes a POST refuses one that the page of another
// site makes a browser send.
func TestOtherSites(t *testing.T) {
	post, programs := regexp.MustCompile(`"POST |\.(Post|POST)\(`), 0
	for _, readme := range readmes {
		program := block(t, read(t, readme.name), "go", "package main")
		if post.MatchString(program) {
			programs++
			assert.Contains(t, program, "http.NewCrossOriginProtection()", readme.name)
		}
	}
	assert.GreaterOrEqual(t, programs, 4, "programs that take a POST")
}

// TestSnippets runs what the root README shows beside its program: a login, a
// logout and a guard, and the test of a handler.
func TestSnippets(t *testing.T) {
	text := read(t, "README.md")
	frame := strings.NewReplacer(
		"SHOWN_HANDLERS", block(t, text, "go", "func login("),
		"SHOWN_GUARD", block(t, text, "go", "account.RequireLogin"),
		"SHOWN_TEST", block(t, text, "go", "httptest"))
	dir := module(t, map[string]string{
		"main.go":      block(t, text, "go", "package main"),
		"login.go":     frame.Replace(loginFrame),
		"main_test.go": frame.Replace(testFrame),
	})
	gotool.Run(t, dir, "off", "test")
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gotool.Root(t), name))
	require.NoError(t, err)
	return string(text)
}

// block is the only fenced block of a language that contains a text.
func block(t *testing.T, markdown, language, containing string) string {
	t.Helper()
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(markdown, -1) {
		if strings.Contains(match[1], containing) {
			found = append(found, match[1])
		}
	}
	require.Len(t, found, 1, "blocks of %s with %q", language, containing)
	return found[0]
}

// freeAddr is where nobody listens. The host stays localhost, which is what
// makes curl send a Secure cookie without TLS.
func freeAddr(t *testing.T) string {
	t.Helper()
	port, err := servers.FreePort()
	require.NoError(t, err)
	return fmt.Sprint("localhost:", port)
}

// module makes a module of the files, and checks that it asks for no more than
// the project's modules and what they bring.
func module(t *testing.T, files map[string]string, brings ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	gotool.Run(t, dir, "off", "mod", "init", "reader.example")
	for _, replace := range gotool.Siblings(t) {
		gotool.Run(t, dir, "off", "mod", "edit", "-replace="+replace)
	}
	gotool.Run(t, dir, "off", "mod", "tidy")

	var mod struct{ Require []struct{ Path string } }
	require.NoError(t, json.Unmarshal([]byte(gotool.Run(t, dir, "off", "mod", "edit", "-json")), &mod))
	assert.NotEmpty(t, mod.Require)
	var brought []string
	for _, require := range mod.Require {
		if !strings.HasPrefix(require.Path, ours) {
			brought = append(brought, require.Path)
		}
	}
	assert.ElementsMatch(t, brings, brought, "what the modules bring into an application")
	return dir
}

// loginFrame is what the README's login, logout and guard stand in.
const loginFrame = `package main

import (
	"log"
	"net/http"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
	"github.com/gostateful/session/memory"
)

var carts = func() *session.Manager[Cart] {
	carts, err := session.New[Cart](memory.New(nil), nil)
	if err != nil {
		log.Fatal(err)
	}
	return carts
}()

func passwordIsRight(_, password string) bool { return password == "tea" }

func orders(http.ResponseWriter, *http.Request) {}

SHOWN_HANDLERS

func site() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", login)
	mux.HandleFunc("POST /logout", logout)
	SHOWN_GUARD
	return nethttp.Middleware(carts, nil)(mux)
}
`

// testFrame tests these, and is what the README's test of a handler stands in.
const testFrame = `package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
)

func TestAddItem(t *testing.T) {
	addItem := func(_ http.ResponseWriter, r *http.Request) {
		s, err := carts.Get(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		item := r.FormValue("item")
		_ = s.Update(func(c *Cart) error { c.Items = append(c.Items, item); return nil })
	}
	SHOWN_TEST
	s, err := carts.Get(r.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s %v", s.Subject(), s.Data().Items); got != "ann [milk tea]" {
		t.Error(got)
	}
}

func TestLogin(t *testing.T) {
	cookie, site := "", site()
	for _, step := range []struct{ request, want string }{
		{"GET /orders", "303 /login?next=%2Forders"},
		{"POST /login?user=ann&password=coffee", "401 "},
		{"POST /login?user=ann&password=tea", "303 /orders"},
		{"GET /orders", "200 "},
		{"GET /devices/", "200 "},
		{"POST /logout", "303 /"},
		{"GET /orders", "303 /login?next=%2Forders"},
	} { // the cookie that the logout sends is empty
		method, target, _ := strings.Cut(step.request, " ")
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("Cookie", cookie)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if got := fmt.Sprintf("%d %s", w.Code, w.Header().Get("Location")); got != step.want {
			t.Errorf("%s: got %s, want %s", step.request, got, step.want)
		}
		if set := w.Header().Get("Set-Cookie"); set != "" {
			cookie, _, _ = strings.Cut(set, ";")
		}
	}
}
`

// replay runs the commands of a transcript and returns it with what they print,
// as if nothing had been moved.
func replay(t *testing.T, transcript string, moves ...string) string {
	t.Helper()
	dir := t.TempDir() // of the cookie jar
	var out strings.Builder
	for line := range strings.Lines(transcript) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out.WriteString(line)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		text, err := cmd.Output()
		require.NoError(t, err, "%s", line)
		out.Write(text)
	}
	back := slices.Clone(moves)
	slices.Reverse(back)
	return strings.NewReplacer(back...).Replace(strings.ReplaceAll(out.String(), "\r\n", "\n"))
}

// settle replaces what differs each time.
func settle(transcript string) string {
	for pattern, settled := range map[string]string{
		`session=[0-9A-Za-z_-]{64};`: "session=TOKEN;",
		`Date: .*`:                   "Date: DATE",
		`"id":"[0-9a-f-]{36}"`:       `"id":"ID"`,
		`At":"[0-9T:.-]+Z"`:          `At":"TIME"`,
	} {
		transcript = regexp.MustCompile(pattern).ReplaceAllString(transcript, settled)
	}
	return transcript
}
