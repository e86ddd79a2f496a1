package servers

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Postgres starts a PostgreSQL server with these arguments, one word each,
// such as "-c", "max_connections=20", after those that make it private. Its
// superuser is postgres, without a password, and its encoding UTF-8. What it
// has committed survives Kill, as by default. Leave what it logs as it is. A server
// that SIGSTOP froze must continue, or be killed, before its test ends.
//
// Each connection has a process of its own: to freeze those too, use SignalAll.
func Postgres(t testing.TB, args ...string) *Server {
	t.Helper()
	s := Start(t, postgres(args...))
	t.Cleanup(func() {
		if err := s.freeMemory(); err != nil {
			t.Errorf("servers: %v", err)
		}
	})
	return s
}

// PostgresURL is how to connect to a database of a server of Postgres; that
// of the name "postgres" is always there.
func PostgresURL(s *Server, database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Addr(), database)
}

// LookForPostgres returns nil when Postgres would find what it runs.
func LookForPostgres() error {
	p := postgres()
	return p.look("initdb", "psql")
}

func postgres(args ...string) Program {
	return Program{
		Name: "postgres",
		Folders: []string{
			"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", // Debian; Red Hat
			"/usr/local/opt/postgresql*/bin", "/opt/homebrew/opt/postgresql*/bin",
		},
		Install: "PostgreSQL 13 or later (Debian: postgresql)",
		User:    "postgres",
		Args: func(s *Server) []string {
			return append([]string{
				"-D", s.file("data"),
				"-c", "listen_addresses=127.0.0.1",
				"-c", "port=" + strconv.Itoa(s.Port),
				"-c", "unix_socket_directories=",
			}, args...)
		},
		Prepare: func(s *Server) error {
			return s.run("initdb", "-D", s.file("data"), "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres")
		},
		Ready: func(ctx context.Context, s *Server) error {
			// Not asked before: it would log each refusal.
			if err := s.Announced("database system is ready to accept connections"); err != nil {
				return err
			}
			return s.postgresLogin(ctx)
		},
		Stop: syscall.SIGINT, // SIGTERM would wait for the clients to go
	}
}

// postgresLogin returns nil when the server would run a query, or asks for a
// password, as a test may want.
func (s *Server) postgresLogin(ctx context.Context) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	const words = "user\x00postgres\x00database\x00postgres\x00\x00"
	startup := binary.BigEndian.AppendUint32(nil, uint32(8+len(words)))
	startup = binary.BigEndian.AppendUint32(startup, 3<<16) // version 3.0 of the protocol
	if _, err := c.Write(append(startup, words...)); err != nil {
		return err
	}
	for {
		kind, body, err := readPostgres(c)
		switch {
		case err != nil:
			return err
		case kind == 'Z', kind == 'R' && !bytes.Equal(body, make([]byte, 4)): // ready; wants a password
			_, err = c.Write([]byte{'X', 0, 0, 0, 4}) // to end in order
			return err
		case kind == 'E':
			return fmt.Errorf("PostgreSQL answers: %q", body)
		}
	}
}

// readPostgres reads one message of PostgreSQL's protocol.
func readPostgres(r io.Reader) (kind byte, body []byte, err error) {
	header := make([]byte, 5)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, err
	}
	const most = 1 << 20
	size := binary.BigEndian.Uint32(header[1:])
	if size < 4 || size > most {
		return 0, nil, fmt.Errorf("it does not speak PostgreSQL's protocol: %q", header)
	}
	body = make([]byte, size-4)
	_, err = io.ReadFull(r, body)
	return header[0], body, err
}

// freeMemory frees the shared memory that a killed server leaves behind, by
// which the next one would know that its processes still run. The kernel keeps
// it for ever, and allows a few thousand.
func (s *Server) freeMemory() error {
	if number := s.memory(); number != "" && s.exited() {
		return s.run("ipcrm", "-m", number)
	}
	return nil
}

// memory is the number of the server's shared memory, or empty if it has none.
func (s *Server) memory() string {
	text, _ := os.ReadFile(s.file("data/postmaster.pid")) // not there after an orderly end
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 {
		return ""
	}
	fields := strings.Fields(lines[6]) // its key and its number
	if len(fields) != 2 {
		return ""
	}
	return fields[1]
}
