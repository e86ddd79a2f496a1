package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis starts a redis-server with these arguments, one word each, such as
// "--appendonly", "yes", after those that make it private and keep nothing on
// disk. Leave --logfile and --loglevel as they are. A server that SIGSTOP froze must
// continue, or be killed, before its test ends.
func Redis(t testing.TB, args ...string) *Server {
	t.Helper()
	return Start(t, redis(args...))
}

func redis(args ...string) Program {
	return Program{
		Name:    "redis-server",
		Folders: []string{"/usr/local/bin", "/opt/homebrew/bin"},
		Install: "Redis 7.0 or later (Debian: redis-server)",
		User:    "redis",
		Args: func(s *Server) []string {
			return append([]string{
				"--port", strconv.Itoa(s.Port),
				"--bind", "127.0.0.1",
				"--protected-mode", "no",
				"--dir", s.Dir,
				"--save", "",
				"--appendonly", "no",
				"--shutdown-timeout", "0", // or it waits 10 seconds for a replica that is down
				"--repl-diskless-sync-delay", "0", // or a replica waits 5 seconds for others
				"--rdb-del-sync-files", "yes", // what a replica got
			}, args...)
		},
		Ready: func(ctx context.Context, s *Server) error { return s.ping(ctx, new(net.Dialer)) },
	}
}

type dialer interface {
	DialContext(ctx context.Context, network, addr string) (net.Conn, error)
}

// ping returns nil when the server serves its data.
func (s *Server) ping(ctx context.Context, d dialer) error {
	_, err := s.ask(ctx, d, "PING")
	var refused redisError
	if err != nil && (!errors.As(err, &refused) || !refused.is("NOAUTH", "NOPERM")) {
		return err // LOADING too: it takes connections, but has no data yet
	}
	// To those it does not know, it does not tell that it loads.
	return s.Announced("Ready to accept connections")
}

// retry calls f until it returns nil, or returns what it returned last when
// the time is over.
func retry(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// A redisError is an error that the server answers.
type redisError string

func (e redisError) Error() string { return "Redis answers: " + string(e) }

func (e redisError) is(codes ...string) bool {
	for _, code := range codes {
		if strings.HasPrefix(string(e), code+" ") {
			return true
		}
	}
	return false
}

// ask sends one command on a connection of its own. An array in the answer
// becomes lines, as in redis-cli.
func (s *Server) ask(ctx context.Context, d dialer, command ...string) (string, error) {
	c, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return "", err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	request := fmt.Sprintf("*%d\r\n", len(command))
	for _, word := range command {
		request += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	return readReply(bufio.NewReader(c))
}

// readReply reads a reply of RESP2, the protocol of a connection that did not
// ask for another.
func readReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimRight(line[1:], "\r\n")
	switch kind {
	case '+', ':':
		return text, nil
	case '-':
		return "", redisError(text)
	case '$', '*':
	default:
		return "", fmt.Errorf("it does not speak RESP: %q", line)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 { // negative: null
		return "", err
	}
	if kind == '$' {
		bulk := make([]byte, n+len("\r\n"))
		_, err := io.ReadFull(r, bulk)
		return string(bulk[:n]), err
	}
	items := make([]string, n)
	for i := range items {
		if items[i], err = readReply(r); err != nil {
			return "", err
		}
	}
	return strings.Join(items, "\n"), nil
}
