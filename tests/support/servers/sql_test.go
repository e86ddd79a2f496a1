package servers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Databases that are started alike, and whose programs for the terminal take
// statements from their input and print a value a line.
var databases = []struct {
	name   string
	start  func(testing.TB, ...string) *Server
	client func(*Server) []string
	limit  []string // arguments that allow 20 connections
	limits string   // the query that shows it
	secret string   // a statement that gives the superuser a password
}{
	{
		"Postgres", Postgres,
		func(s *Server) []string { return []string{"psql", "-XAtq", PostgresURL(s, "postgres")} },
		[]string{"-c", "max_connections=20"},
		"SHOW max_connections",
		"ALTER USER postgres PASSWORD 'secret'",
	},
	{
		"MariaDB", MariaDB,
		func(s *Server) []string {
			return []string{"mariadb", "--no-defaults", "-h127.0.0.1", "-P" + strconv.Itoa(s.Port), "-uroot", "-nsN", "test"}
		},
		[]string{"--max-connections=20"},
		"SELECT @@max_connections",
		"SET PASSWORD FOR root@127.0.0.1 = PASSWORD('secret')",
	},
}

// query runs statements on a connection of their own.
func query(t testing.TB, s *Server, client func(*Server) []string, statements string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	words := client(s)
	cmd, err := s.Command(ctx, words[0], words[1:]...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	cmd.Stdin = strings.NewReader(statements + ";\n")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "ERROR") {
		t.Fatalf("%s: %v: %s", statements, err, out)
	}
	return strings.TrimSpace(string(out))
}

// converse opens a connection for single queries.
func converse(t testing.TB, s *Server, client func(*Server) []string) (send func(string), answers <-chan string) {
	t.Helper()
	words := client(s)
	ctx, cancel := context.WithCancel(context.Background())
	cmd, err := s.Command(ctx, words[0], words[1:]...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		cancel()
		r.Close()
		_ = cmd.Wait()
	})
	lines := make(chan string, 100)
	go func() {
		for scan := bufio.NewScanner(r); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return func(q string) {
		if _, err := fmt.Fprintln(stdin, q+";"); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}, lines
}

func wantAnswer(t testing.TB, answers <-chan string, want string) {
	t.Helper()
	select {
	case got := <-answers:
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("got no answer, want %q", want)
	}
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			var first, second *Server
			run(func(spy *spy) {
				first, second = db.start(spy, db.limit...), db.start(spy)
				if got := query(spy, first, db.client, db.limits); got != "20" {
					spy.Errorf("%s: got %s, want the 20 of the arguments", db.limits, got)
				}
				query(spy, first, db.client, "CREATE TABLE mine (n INT); INSERT INTO mine VALUES (7)")
				query(spy, second, db.client, "CREATE TABLE mine (n INT)")
				send, answers := converse(spy, first, db.client)
				send("SELECT 1")
				wantAnswer(spy, answers, "1")
				if err := first.Stop(); err != nil { // though a client is there
					spy.Errorf("%v", err)
				}
				if got := query(spy, second, db.client, "SELECT count(*) FROM mine"); got != "0" {
					spy.Errorf("rows in the other server: got %s, want 0", got)
				}
				if err := first.Start(); err != nil {
					spy.Fatalf("%v", err)
				}
				if got := query(spy, first, db.client, "SELECT n FROM mine"); got != "7" {
					spy.Errorf("after Stop and Start: got %q, want 7", got)
				}
			}).want(t, false)
			wantGone(t, first, second)
		})
	}
}

// TestDatabasesCrash kills servers amid work: what was committed is there when
// Start returns, and what was not is not.
func TestDatabasesCrash(t *testing.T) {
	t.Parallel()
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			s := db.start(t)
			query(t, s, db.client, "CREATE TABLE mine (n INT)")
			for i := range 3 {
				query(t, s, db.client, fmt.Sprintf("INSERT INTO mine VALUES (%d)", i))
				send, answers := converse(t, s, db.client)
				send("BEGIN")
				send("INSERT INTO mine VALUES (100)")
				send("SELECT count(*) FROM mine")
				wantAnswer(t, answers, strconv.Itoa(i+2))
				s.Kill()
				if err := s.Start(); err != nil {
					t.Fatal(err)
				}
				if got, want := query(t, s, db.client, "SELECT max(n) FROM mine"), strconv.Itoa(i); got != want {
					t.Errorf("after Kill and Start: got %q, want %q", got, want)
				}
			}
		})
	}
}

// TestPostgresCrashLarge kills a server with a child that takes a while to end,
// by what it has in memory: until then, the next start would fail.
func TestPostgresCrashLarge(t *testing.T) {
	t.Parallel()
	client := databases[0].client
	s := Postgres(t)
	send, _ := converse(t, s, client)
	send("DO $$ DECLARE large text := repeat('x', 400000000); BEGIN PERFORM pg_sleep(1000); END $$")
	until(t, "the connection never got its memory", func() bool {
		return query(t, s, client, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"
	})
	s.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}

func TestDatabasesFreeze(t *testing.T) {
	t.Parallel()
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			s := db.start(t)
			send, answers := converse(t, s, db.client)
			send("SELECT 1")
			wantAnswer(t, answers, "1")
			if err := s.SignalAll(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			send("SELECT 2")
			if !listens(s.Addr()) {
				t.Error("a frozen server takes no connections")
			}
			select {
			case got := <-answers:
				t.Errorf("a frozen server answers %q", got)
			case <-time.After(200 * time.Millisecond):
			}
			if err := s.SignalAll(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			wantAnswer(t, answers, "2")
		})
	}
}

// TestDatabasesWithPassword starts servers that no longer let the superuser in.
func TestDatabasesWithPassword(t *testing.T) {
	t.Parallel()
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			s := db.start(t)
			query(t, s, db.client, db.secret)
			if db.name == "Postgres" {
				if err := s.write("data/pg_hba.conf", []byte("host all all 127.0.0.1/32 scram-sha-256\n")); err != nil {
					t.Fatal(err)
				}
			}
			s.Kill()
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestMariaDBReady starts a server that listens a while before it answers: when
// Start returns, it has done what comes before.
func TestMariaDBReady(t *testing.T) {
	t.Parallel()
	s := MariaDB(t)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	done := s.file("slept")
	if err := s.write("slow.sql", []byte("DO SLEEP(1);\nSELECT 1 INTO OUTFILE '"+done+"';\n")); err != nil {
		t.Fatal(err)
	}
	args := s.program.Args
	s.program.Args = func(s *Server) []string { return append(args(s), "--init-file="+s.file("slow.sql")) }
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(done); err != nil {
		t.Errorf("Start returned before the server answers: %v", err)
	}
}

// TestPostgresMemory kills servers and does not start them again.
func TestPostgresMemory(t *testing.T) {
	t.Parallel()
	var number string
	run(func(spy *spy) {
		s := Postgres(spy)
		s.Kill()
		if number = s.memory(); number == "" {
			spy.Fatalf("a killed server left no memory to free")
		}
	}).want(t, false)
	// It shows nothing of what is gone, and calls that no error.
	if out, _ := exec.Command("ipcs", "-m", "-i", number).Output(); strings.Contains(string(out), "bytes=") {
		t.Errorf("the shared memory is left behind: %s", out)
	}
}
