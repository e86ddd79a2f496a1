package attacks

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionredis "github.com/gostateful/session/redis"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// subjects are names that a database, a client or a library may take for one another:
// it folds case, drops accents, composes letters, trims, ignores what has no width, cuts
// off, unescapes, or takes them for a pattern, a number or a statement.
var subjects = []string{
	// Case, also of letters that grow, and those of the Turks, the Greeks and the Germans.
	"alice", "Alice", "ALICE", "aLICE", "al\u0131ce", "AL\u0130CE", "ali\u0307ce", "al\u012bce", "stra\u00dfe", "strasse", "STRASSE", "stra\u1e9ee", "\u03c3", "\u03c2", "\u03a3", "\u017f", "s", "S", "\u212a", "k", "K", "\u212b", "\u00c5", "\u00e5", "A\u030a",
	// Accents, composed and not; width; ligatures; digits and letters of other scripts.
	"\u00e1lice", "a\u0301lice", "\u00e0lice", "\u00e5lice", "a\u0308lice", "\u00e4lice", "aelice", "\u00e6lice", "\uff41lice", "al\uff49ce", "\u0430lice", "\u03b1lice", "\U0001d41alice", "o\ufb03ce", "office", "o\ufb00ice", "o\ufb01ce", "\u0132", "IJ", "ij", "\u0133",
	"1", "\u00b9", "\u2460", "\u0661", "\uff11", "\u0967", "01", "1.0", "1e0", "+1", "0x1", "1 ", "l", "I", "|", "2", "\u00bd", "1/2", "\u2153",
	"e\u0301\u0323", "e\u0323\u0301", "\u1eb9\u0301", "\u00e9\u0323", "\uac00", "\u1100\u1161", "\u2126", "\u03a9", "\u00b5", "\u03bc", "\u0f73", "\u0f71\u0f72",
	// What has no width, or no weight in a collation.
	"al\u200bice", "al\u200cice", "al\u200dice", "al\u2060ice", "al\ufeffice", "\ufeffalice", "al\u00adice", "al\u034fice", "al\u202eice", "al\u180eice", "alice\ufe0f", "alice\U000e0001", "al\u0001ice", "al\u007fice", "\u0001", "\u200b", "\u200b\u200b", "\u00ad", "\ufe0e", "\ufe0f", "\u0300",
	// Spaces and lines, which CHAR and VARCHAR pad and trim.
	" alice", "alice ", "alice  ", "alice\t", "alice\n", "alice\r\n", "alice\u00a0", "alice\u3000", "alice\u2028", "al ice", "al  ice", "al\tice", " ", "  ", "\t", "\n", "\u00a0", "\u3000",
	// Signs of languages.
	"al%", "al_ce", "a%", "%", "_", "*", "al*", "?", "[a-z]lice", "al\\ice", "al\\\\ice", "\\", "\\\\", "\\%", "'", "''", "\"", "\"\"", "`", "$1", ":1", "?1", "@alice", "--", "alice'--", "alice' OR '1'='1", "';DROP TABLE sessions;--", "\\x616c696365", "0x616c696365", "\\u0061lice", "%61lice", "&#97;lice", "NULL", "null", "nil", "true", "{}", "{alice}", "alice}", "<alice>",
	// Separators of our own keys, and of others'.
	"alice:", ":alice", "subject:alice", "session:alice", "alice/", "alice//", "/alice", "./alice", "../alice", "alice.", ".alice", "alice,", "alice;", "alice,bob", "alice\x1e", "alice\x1d",
	// Beyond the first plane, and signs made of several.
	"\U0001f36a", "\U0001f36b", "\U0001f44d", "\U0001f44d\U0001f3fb", "\U0001f44d\U0001f3ff", "\u2764", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469", "\U0001f1e9\U0001f1ea", "\U0001f1e9", "\U0010ffff", "\uffff", "\ufffd", "\ufffe",
	// Long ones that differ at the end, and around lengths at which something is cut off.
	strings.Repeat("a", 62), strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 127), strings.Repeat("a", 128), strings.Repeat("a", 191), strings.Repeat("a", 192), strings.Repeat("a", 253), strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("a", 254) + "b", strings.Repeat("a", 254) + "A", strings.Repeat("a", 254) + " ",
	strings.Repeat("\u00e9", 127), strings.Repeat("e\u0301", 85), strings.Repeat("\U0001f36a", 63), strings.Repeat("\U0001f36a", 62) + "\U0001f36b",
}

// realms are some of them, and pairs that are one text with their subject.
var realms = []string{"", "a", "A", "\u00e1", "a\u0301", "a ", " a", "a\u200b", "a:", "a%", "\u00df", "ss", "\u0131", "i", "I", "\U0001f36a", "session", "subject", "subject:", strings.Repeat("a", 64), strings.Repeat("a", 63) + "b"}

// refusedSubjects are what not every store can keep. Each is refused before it can be
// taken for another.
var refusedSubjects = []string{"", "\x00", "alice\x00", "\x00alice", "alice\x1f", "\x1falice", "a\x1falice", "\xff", "alice\xc3", "al\xed\xa0\x80ice", "\xc0\x80", strings.Repeat("a", 256), strings.Repeat("\u00e9", 128)}

// A shelf is a kind of store. In one backend, place is the name of a table or a prefix.
type shelf struct {
	name string
	open func(t *testing.T, place string) session.Store
}

// shelves are the stores, on databases that fold whatever they are not told to leave.
func shelves(t *testing.T) []shelf {
	on := func(dialect sessionsql.Dialect, driver, dsn string) func(*testing.T, string) session.Store {
		return func(t *testing.T, place string) session.Store {
			store := sessionsql.New(opened(t, driver, dsn), dialect, &sessionsql.Options{Table: place})
			require.NoError(t, store.Migrate(t.Context()), "%+q", place)
			return store
		}
	}
	client, maria, postgres := redisClient(t), foldingMariaDB(t), foldingPostgres(t)
	file := "file:" + filepath.Join(t.TempDir(), "sessions")
	return []shelf{
		{"memory", func(*testing.T, string) session.Store { return memory.New(nil) }},
		{"redis", func(_ *testing.T, place string) session.Store {
			return sessionredis.New(client, &sessionredis.Options{Prefix: place})
		}},
		{"PostgreSQL", on(sessionsql.Postgres, "pgx", postgres)},
		{"PostgreSQL, texts in statements", on(sessionsql.Postgres, "pgx", postgres+"&default_query_exec_mode=simple_protocol")},
		{"MariaDB", on(sessionsql.MySQL, "mysql", maria+"?collation=utf8mb4_general_ci")},
		{"MariaDB, texts in statements", on(sessionsql.MySQL, "mysql", maria+"?collation=utf8mb4_general_ci&interpolateParams=true")},
		{"SQLite, modernc", on(sessionsql.SQLite, "sqlite", file+".modernc?_pragma=synchronous(off)&_pragma=busy_timeout(10000)")},
		{"SQLite, mattn", on(sessionsql.SQLite, "sqlite3", file+".mattn?_synchronous=off&_busy_timeout=10000")},
	}
}

func opened(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	db.SetMaxOpenConns(1) // SQLite then needs no wait
	return db
}

func redisClient(t *testing.T) *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: servers.Redis(t).Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return client
}

// foldingPostgres is a database whose order and whose type text ignore case, accents and
// what has no width.
func foldingPostgres(t *testing.T) (dsn string) {
	t.Helper()
	server := servers.Postgres(t, "-c", "fsync=off")
	run := func(database string, statements ...string) {
		db := opened(t, "pgx", servers.PostgresURL(server, database))
		for _, text := range statements {
			_, err := db.ExecContext(t.Context(), text)
			require.NoError(t, err, text)
		}
	}
	run("postgres", `CREATE DATABASE folding TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und-u-ks-level1-ka-shifted'`,
		`ALTER DATABASE folding SET search_path = public, pg_catalog`)
	run("folding", `CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level1-ka-shifted', deterministic = false)`,
		`CREATE DOMAIN public.text AS pg_catalog.text COLLATE folded`)
	var equal bool
	require.NoError(t, opened(t, "pgx", servers.PostgresURL(server, "folding")).QueryRowContext(t.Context(), "SELECT 'Alice '::text = '\u00e1lice'::text").Scan(&equal))
	require.True(t, equal, "the type folds")
	return servers.PostgresURL(server, "folding")
}

// foldingMariaDB is a database with a collation that ignores case, accents, spaces at
// the end and which emoji it is.
func foldingMariaDB(t *testing.T) (dsn string) {
	t.Helper()
	server := servers.MariaDB(t, "--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci", "--innodb-flush-log-at-trx-commit=0")
	db := opened(t, "mysql", servers.MariaDBDSN(server, "test"))
	var equal bool
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT _utf8mb4'Alice ' COLLATE utf8mb4_general_ci = _utf8mb4'\u00e1lice' COLLATE utf8mb4_general_ci").Scan(&equal))
	require.True(t, equal, "the collation folds")
	return servers.MariaDBDSN(server, "test")
}

// TestNamesNeverMeet: no store takes one name for another, whatever the database behind
// it would.
func TestNamesNeverMeet(t *testing.T) {
	for _, texts := range [][]string{subjects, realms, places} {
		sorted := slices.Sorted(slices.Values(texts))
		require.Len(t, slices.Compact(sorted), len(texts), "texts, each once")
	}
	for _, s := range shelves(t) {
		t.Run(s.name, func(t *testing.T) {
			store := s.open(t, "of "+s.name)
			t.Run("Subjects", func(t *testing.T) { testSubjects(t, store) })
			t.Run("Realms", func(t *testing.T) { testRealms(t, store) })
			t.Run("Places", func(t *testing.T) { testPlaces(t, s) })
		})
	}
	t.Logf("%d subjects, %d realms, %d places, %d refused subjects", len(subjects), len(realms), len(places), len(refusedSubjects))
}

// testSubjects: each subject lists and ends its own session. If two met, one would list
// two, or the second would have none left to end.
func testSubjects(t *testing.T, store session.Store) {
	m := managing(t, store, "")
	ids := map[string]session.ID{}
	for _, subject := range subjects {
		ids[subject] = loggedIn(t, m, subject)
	}
	for _, subject := range subjects {
		require.Equal(t, []session.ID{ids[subject]}, listed(t, m, subject), "the sessions of %+q", subject)
	}
	for _, subject := range subjects {
		requireEnds(t, m, subject)
	}
	for _, subject := range refusedSubjects {
		_, err := m.Get(m.NewContext(t.Context(), session.Info[int]{Subject: subject}))
		require.Equal(t, subject == "", err == nil, "a session of %+q: %v", subject, err)
		_, err = m.List(t.Context(), subject)
		require.Error(t, err, "List of %+q", subject)
		_, err = m.RevokeAll(t.Context(), subject)
		require.Error(t, err, "RevokeAll of %+q", subject)
	}
}

// testRealms: no manager sees a session of another realm, by subject or by ID.
func testRealms(t *testing.T, store session.Store) {
	whose := []string{"alice", "Alice", "a", ":alice", "subject:alice"}
	managers, ids := map[string]*session.Manager[int]{}, map[string]map[string]session.ID{}
	for _, realm := range realms {
		managers[realm], ids[realm] = managing(t, store, realm), map[string]session.ID{}
		for _, subject := range whose {
			ids[realm][subject] = loggedIn(t, managers[realm], subject)
		}
	}
	for _, realm := range realms {
		for _, subject := range whose {
			require.Equal(t, []session.ID{ids[realm][subject]}, listed(t, managers[realm], subject), "the sessions of %+q in the realm %+q", subject, realm)
		}
		for _, other := range realms {
			_, err := managers[realm].Find(t.Context(), ids[other][whose[0]])
			require.Equal(t, realm == other, err == nil, "Find in the realm %+q of a session in %+q: %v", realm, other, err)
		}
	}
	for _, realm := range realms {
		for _, subject := range whose {
			requireEnds(t, managers[realm], subject)
		}
	}
	for _, realm := range []string{"\x00", "a\x1f", "\xff", strings.Repeat("a", 65)} {
		_, err := session.New[int](store, &session.Options{Realm: realm})
		require.ErrorContains(t, err, "Realm", "%+q", realm)
	}
}

// places are names of tables, and prefixes of keys, that something may take for one
// another.
var places = []string{
	"sessions", "Sessions", "SESSIONS", "s\u00e9ssions", "se\u0301ssions", "se\u0300ssions", "\u017fessions", "sess\u0131ons", "ses\u200bsions", "\u00dfessions", "ssessions", "\uff53essions", "sessions_", "sess_ons", "sess%ons", "sessions.", "\"sessions\"", "`sessions`",
}

// testPlaces: stores whose tables or prefixes are named alike see nothing of each other.
// SQLite takes names that differ in the case of ASCII for one: there they are one store.
func testPlaces(t *testing.T, s shelf) {
	var managers []*session.Manager[int]
	var ids []session.ID
	for i, place := range places {
		place = s.name + place // another test may be on the same backend
		same := func(other string) bool { return sqliteEqual(place, s.name+other) }
		if strings.HasPrefix(s.name, "SQLite") && slices.ContainsFunc(places[:i], same) {
			continue
		}
		m := managing(t, s.open(t, place), "")
		managers, ids = append(managers, m), append(ids, loggedIn(t, m, "alice"))
	}
	for i, m := range managers {
		require.Equal(t, []session.ID{ids[i]}, listed(t, m, "alice"))
	}
	for _, m := range managers {
		requireEnds(t, m, "alice")
	}
}

func sqliteEqual(a, b string) bool {
	ascii := func(text string) string {
		return strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r - 'A' + 'a'
			}
			return r
		}, text)
	}
	return ascii(a) == ascii(b)
}

func managing(t *testing.T, store session.Store, realm string) *session.Manager[int] {
	t.Helper()
	m, err := session.New[int](store, &session.Options{Realm: realm, StoreTimeout: stress.Patience})
	require.NoError(t, err)
	return m
}

// loggedIn stores a session of a subject.
func loggedIn(t *testing.T, m *session.Manager[int], subject string) session.ID {
	t.Helper()
	s, err := m.Get(m.NewContext(t.Context(), session.Info[int]{Subject: subject}))
	require.NoError(t, err, "%+q", subject)
	return s.ID()
}

// requireEnds wants a subject to have one session to end.
func requireEnds(t *testing.T, m *session.Manager[int], subject string) {
	t.Helper()
	n, err := m.RevokeAll(t.Context(), subject)
	require.NoError(t, err)
	require.Equal(t, 1, n, "sessions of %+q that end: another may have ended them before", subject)
}

func listed(t *testing.T, m *session.Manager[int], subject string) (ids []session.ID) {
	t.Helper()
	infos, err := m.List(t.Context(), subject)
	require.NoError(t, err, "%+q", subject)
	for _, info := range infos {
		require.Equal(t, subject, info.Subject)
		ids = append(ids, info.ID)
	}
	return ids
}
