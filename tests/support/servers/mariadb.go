package servers

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"testing"
)

// MariaDB starts a MariaDB server with these arguments, one word each, such as
// "--max-connections=20", after those that make it private. Its user root has
// no password, and its database test is of the character set utf8mb4. What it
// has committed survives Kill, as by default. Leave what it logs as it is. A server
// that SIGSTOP froze must continue, or be killed, before its test ends.
func MariaDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return Start(t, mariaDB(args...))
}

// MariaDBDSN is how to connect to a database of a server of MariaDB, for
// github.com/go-sql-driver/mysql; that of the name "test" is always there.
func MariaDBDSN(s *Server, database string) string {
	return fmt.Sprintf("root@tcp(%s)/%s", s.Addr(), database)
}

// LookForMariaDB returns nil when MariaDB would find what it runs.
func LookForMariaDB() error {
	p := mariaDB()
	return p.look("mariadb-install-db", "my_print_defaults", "mariadb")
}

func mariaDB(args ...string) Program {
	const redo = "--innodb-log-file-size=32M" // 96M would be written at each first start
	return Program{
		Name: "mariadbd",
		Folders: []string{
			"/usr/sbin", "/usr/libexec", // not on everyone's PATH
			"/usr/local/opt/mariadb*/bin", "/opt/homebrew/opt/mariadb*/bin",
		},
		Install: "MariaDB 10.5 or later (Debian: mariadb-server-core; MySQL will not do)",
		User:    "nobody", // that of its own comes with the packages that start it with the machine
		Args: func(s *Server) []string {
			return append([]string{
				"--no-defaults",
				"--datadir=" + s.file("data"),
				"--port=" + strconv.Itoa(s.Port),
				"--bind-address=127.0.0.1",
				"--socket=socket", // in its data: an absolute path may be too long
				"--pid-file=pid",
				"--skip-name-resolve",
				"--innodb-buffer-pool-size=64M",
				redo,
			}, args...)
		},
		Prepare: func(s *Server) error {
			if err := s.write("test.sql", []byte("CREATE DATABASE test CHARACTER SET utf8mb4;\n")); err != nil {
				return err
			}
			// Its own test database would come with users without a name, who
			// stand before others that a test makes.
			return s.run("mariadb-install-db", "--no-defaults", "--datadir="+s.file("data"), redo,
				"--auth-root-authentication-method=normal", "--skip-name-resolve", "--skip-test-db", "--extra-file="+s.file("test.sql"))
		},
		Ready: func(ctx context.Context, s *Server) error {
			if err := s.Announced("ready for connections"); err != nil {
				return err
			}
			return s.mariaDBLogin(ctx)
		},
	}
}

// mariaDBLogin returns nil when the server lets root in without a password, or
// wants one, as a test may have set.
func (s *Server) mariaDBLogin(ctx context.Context) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	greeting, err := readMariaDB(c)
	if err != nil {
		return err
	}
	const version, failed, other, denied = 10, 0xff, 0xfe, 1045
	if greeting[0] != version {
		return fmt.Errorf("MariaDB greets: %q", greeting)
	}
	const (
		abilities = 0x0200 | 0x8000 // the protocol of 4.1, and its way to log in
		utf8mb4   = 45
	)
	login := binary.LittleEndian.AppendUint32(nil, abilities)
	login = binary.LittleEndian.AppendUint32(login, 1<<20) // the largest packet
	login = append(login, utf8mb4)
	login = append(login, make([]byte, 23)...)
	login = append(login, "root\x00\x00"...) // and a password of no bytes
	header := []byte{byte(len(login)), 0, 0, 1}
	if _, err := c.Write(append(header, login...)); err != nil {
		return err
	}
	answer, err := readMariaDB(c)
	if err != nil {
		return err
	}
	wants := answer[0] == other || // another way to log in
		answer[0] == failed && len(answer) > 2 && binary.LittleEndian.Uint16(answer[1:]) == denied
	if answer[0] != 0 && !wants {
		return fmt.Errorf("MariaDB answers: %q", answer)
	}
	_, err = c.Write([]byte{1, 0, 0, 0, 1}) // to end in order
	return err
}

// readMariaDB reads one packet of MariaDB's protocol, which is not empty.
func readMariaDB(r io.Reader) ([]byte, error) {
	header := make([]byte, 4)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size := int(header[0]) | int(header[1])<<8 | int(header[2])<<16
	if size == 0 {
		return nil, fmt.Errorf("it does not speak MariaDB's protocol: %q", header)
	}
	packet := make([]byte, size)
	_, err := io.ReadFull(r, packet)
	return packet, err
}
