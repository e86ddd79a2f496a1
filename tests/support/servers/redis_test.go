package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cli runs redis-cli on a server, and fails the test if it fails.
func cli(t testing.TB, s *Server, args ...string) string {
	t.Helper()
	// -e: an error that the server answers is one of redis-cli too.
	cmd, err := s.Command(context.Background(), "redis-cli", append([]string{"-e", "-p", strconv.Itoa(s.Port)}, args...)...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// wantGone checks that nothing is left of a server whose test has ended.
func wantGone(t *testing.T, all ...*Server) {
	t.Helper()
	if len(all) == 0 || slices.Contains(all, nil) {
		t.Fatal("no server was started")
	}
	for _, s := range all {
		if listens(s.Addr()) {
			t.Errorf("the server on %s outlived its test", s.Addr())
		}
		if _, err := os.Stat(filepath.Dir(s.Dir)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder of the server on %s is left behind: %v", s.Addr(), err)
		}
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	var s *Server
	run(func(spy *spy) {
		s = Redis(spy, "--maxmemory", "50mb")
		if got := cli(spy, s, "SET", "key", "value"); got != "OK" {
			spy.Errorf("SET: got %q, want OK", got)
		}
		for name, want := range map[string]string{"maxmemory": "52428800", "save": "", "appendonly": "no", "bind": "127.0.0.1", "dir": s.Dir} {
			_, got, _ := strings.Cut(cli(spy, s, "CONFIG", "GET", name), "\n")
			if got != want {
				spy.Errorf("CONFIG GET %s: got %q, want %q", name, got, want)
			}
		}
		if err := s.Stop(); err != nil {
			spy.Errorf("%v", err)
		}
		if files, err := os.ReadDir(s.Dir); err != nil || len(files) > 0 {
			spy.Errorf("it keeps something on disk: got %v, %v; want nothing", files, err)
		}
		if err := s.Start(); err != nil {
			spy.Fatalf("%v", err)
		}
	}).want(t, false)
	wantGone(t, s)
}

func TestRedisFreezes(t *testing.T) {
	t.Parallel()
	s := Redis(t)
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var late net.Error
	if got, err := s.ask(ctx, new(net.Dialer), "PING"); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("PING of a frozen server: got %q, %v; want it to take connections and not to answer", got, err)
	}
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := cli(t, s, "PING"); got != "PONG" {
		t.Errorf("PING after SIGCONT: got %q, want PONG", got)
	}
}

// TestRedisLoads kills servers that need a while to load what they kept: Start
// may return neither before that nor never, whatever the server tells strangers.
func TestRedisLoads(t *testing.T) {
	t.Parallel()
	const keys = 5000 // while it loads, it answers after each 1024
	slow := []string{
		"--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", "no",
		"--key-load-delay", "10", // microseconds
	}
	for _, test := range []struct {
		name string
		args []string
		cli  []string
	}{
		{"open", nil, nil},
		{"password", []string{"--requirepass", "secret"}, []string{"--no-auth-warning", "-a", "secret"}},
		{"PING forbidden", strings.Fields("--user default on nopass ~* &* +@all -ping"), nil},
		// Off, but with all permissions: Redis 7.0 loads as the default user, and
		// loses the transactions that it may not run.
		{"no default user", strings.Fields("--user default off ~* &* +@all --user web on >secret ~* +@all"), []string{"--no-auth-warning", "--user", "web", "--pass", "secret"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := Redis(t, append(slow, test.args...)...)
			cli(t, s, append(test.cli, "EVAL", fmt.Sprintf("for i = 1, %d do redis.call('SET', i, i) end", keys), "0")...)
			s.Kill()
			if err := s.Start(); err != nil {
				t.Fatal(err)
			}
			if got := cli(t, s, append(test.cli, "DBSIZE")...); got != strconv.Itoa(keys) {
				t.Errorf("keys after Kill and Start: got %s, want %d", got, keys)
			}
		})
	}
}
