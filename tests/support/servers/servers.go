// Package servers runs server programs for tests: each as a private instance,
// with its own port on the loopback interface, its own folder and its own log,
// and for no longer than its test, even if that is killed. It needs a Unix.
package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Program says how to run a server. Name and Args are required.
type Program struct {
	Name    string   // of the binary; with a slash, its path
	Folders []string // patterns of the folders to look in after PATH, such as /usr/lib/postgresql/*/bin
	Install string   // what to install when it is in none, for the error

	// User runs the server when the tests run as root, which some servers
	// refuse. Empty, and for tests that do not run as root: the same user.
	User string

	TwoPorts bool // that it listens on: the other one is in Port2

	Env     []string // on top of the environment of the tests
	Args    func(*Server) []string
	Prepare func(*Server) error // before the first start, such as to make a database

	// Ready returns nil once the server answers. It is called until it does,
	// for at most Patience (zero: 2 minutes). Nil: it takes a connection.
	Ready    func(context.Context, *Server) error
	Patience time.Duration

	// Stop is what to send for an orderly end (zero: SIGTERM). After Grace
	// (zero: 1 minute) the server is killed.
	Stop  syscall.Signal
	Grace time.Duration
}

// A Server is a running instance. Its methods, but for Addr, Log, Command and ExitCode,
// are for one goroutine at a time.
type Server struct {
	Port  int
	Port2 int    // zero unless the program has TwoPorts
	Dir   string // the server's own folder and its working directory; gone after the test

	program Program
	base    string // holds Dir and the log
	log     *os.File
	user    *syscall.Credential
	before  int // bytes in the log before the last start

	cmd      *exec.Cmd
	watchdog *exec.Cmd
	done     chan struct{} // closed when the server's own process has ended
}

// Start runs a program and waits until it is ready. When it cannot, the test
// fails at once, and is told why, with the log. The server ends with the test,
// whose output gets the log if the test failed.
func Start(t testing.TB, p Program) *Server {
	t.Helper()
	return start(t, p, FreePort)
}

func start(t testing.TB, p Program, port func() (int, error)) *Server {
	t.Helper()
	s := &Server{program: p.withDefaults()}
	t.Cleanup(func() { s.cleanup(t) })
	err := s.prepare()
	// Between the choice of a port and its use, another program may take it.
	for attempt := 0; err == nil && attempt < 3; attempt++ {
		if s.Port, err = port(); err != nil {
			break
		}
		if p.TwoPorts {
			if s.Port2, err = port(); err != nil {
				break
			}
		}
		if err = s.Start(); err == nil {
			return s
		}
		if attempt < 2 && errors.Is(err, errTaken) {
			err = nil
		}
	}
	t.Fatalf("servers: %s: %v", p.Name, err) // the cleanup adds the log
	return nil
}

func (p Program) withDefaults() Program {
	if p.Patience == 0 {
		p.Patience = 2 * time.Minute
	}
	if p.Grace == 0 {
		p.Grace = time.Minute
	}
	if p.Stop == 0 {
		p.Stop = syscall.SIGTERM
	}
	if p.Ready == nil {
		p.Ready = accepts
	}
	return p
}

func accepts(ctx context.Context, s *Server) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	return c.Close()
}

var errTaken = errors.New("another program uses its port")

// Addr is where the server listens, if its Args tell it to: 127.0.0.1:Port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Command returns a command that runs as the server does: its user, its
// folder, its environment. The name is looked up as the program's is.
func (s *Server) Command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	binary, err := s.program.find(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = s.Dir
	// HOME and TMPDIR: those of the tests' user may be closed to the server's.
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "TMPDIR="+s.Dir)
	cmd.Env = append(cmd.Env, s.program.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	return cmd, nil
}

// Start starts a server that was stopped or killed, on the same port and with
// what it kept in its folder, and waits until it is ready.
func (s *Server) Start() error {
	if s.taken() {
		return errTaken // or the other would answer as if it were ours
	}
	cmd, err := s.Command(context.Background(), s.program.Name, s.program.Args(s)...)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	s.before = len(s.Log())
	if err := s.launch(cmd); err != nil {
		return err
	}
	if err := s.await(); err != nil {
		s.Kill()
		if s.taken() {
			return fmt.Errorf("%w: %w", errTaken, err)
		}
		return err
	}
	return nil
}

// await waits until the server is ready.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.program.Patience)
	defer cancel()
	var complaint error
	for {
		err := s.program.Ready(ctx, s)
		switch {
		case s.exited():
			return fmt.Errorf("it ended before it was ready: %v", s.cmd.ProcessState)
		case err == nil:
			return nil
		case ctx.Err() == nil || complaint == nil:
			complaint = err
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return fmt.Errorf("it was not ready after %v, and is killed: %w", s.program.Patience, complaint)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Log is what the server has printed.
func (s *Server) Log() string {
	if s.log == nil {
		return ""
	}
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Announced returns nil when the log says, since the last start, that the
// server is ready. What answers on the port may be another server, which had
// it before; the log is ours.
func (s *Server) Announced(ready string) error {
	if log := s.Log(); len(log) < s.before || !strings.Contains(log[s.before:], ready) {
		return errors.New("its log does not say that it is ready")
	}
	return nil
}

func (s *Server) cleanup(t testing.TB) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Errorf("servers: %s: %v", s.program.Name, err)
	}
	s.Kill() // what a server that ended by itself left behind
	if t.Failed() && s.log != nil {
		t.Logf("servers: %s%s", s.program.Name, s.quoteLog())
	}
	if s.log != nil {
		_ = s.log.Close()
	}
	if s.base != "" {
		if err := os.RemoveAll(s.base); err != nil {
			t.Errorf("servers: %v", err)
		}
	}
}

// prepare finds the program and makes its folder.
func (s *Server) prepare() (err error) {
	p := &s.program
	if _, err := p.find(p.Name); err != nil {
		return err
	}
	if s.user, err = credential(p.User); err != nil {
		return err
	}
	// Not t.TempDir, which lies in folders that another user cannot enter.
	if s.base, err = os.MkdirTemp("", "session-"+filepath.Base(p.Name)+"-"); err != nil {
		return err
	}
	s.Dir = filepath.Join(s.base, "dir")
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		return err
	}
	if s.log, err = os.Create(filepath.Join(s.base, "log")); err != nil {
		return err
	}
	for _, name := range []string{s.base, s.Dir} {
		if err := s.own(name); err != nil {
			return err
		}
	}
	if p.Prepare != nil {
		return p.Prepare(s)
	}
	return nil
}
