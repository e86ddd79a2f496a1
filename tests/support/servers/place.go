package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// find looks for a binary on PATH, then in the program's folders.
func (p *Program) find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil || strings.Contains(name, "/") {
		return path, err
	}
	for _, pattern := range p.Folders {
		matches, err := filepath.Glob(filepath.Join(pattern, name))
		if err != nil {
			return "", err
		}
		if len(matches) > 0 {
			// Versions sort by name well enough: any one of them will do.
			return matches[len(matches)-1], nil
		}
	}
	return "", fmt.Errorf("there is no %s on PATH or in %v: install %s", name, p.Folders, p.Install)
}

// look returns nil when the program is there, and the others beside it.
func (p *Program) look(others ...string) error {
	for _, name := range append([]string{p.Name}, others...) {
		if _, err := p.find(name); err != nil {
			return err
		}
	}
	return nil
}

// credential is how to become the named user, or nil to stay who we are.
func credential(name string) (*syscall.Credential, error) {
	if name == "" || os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// file is the path of a file in the server's folder.
func (s *Server) file(name string) string { return filepath.Join(s.Dir, name) }

// write writes a file into the server's folder, for the server alone.
func (s *Server) write(name string, data []byte) error {
	if err := os.WriteFile(s.file(name), data, 0o600); err != nil {
		return err
	}
	return s.own(s.file(name))
}

// own gives a file to the server's user.
func (s *Server) own(name string) error {
	if s.user == nil {
		return nil
	}
	return os.Chown(name, int(s.user.Uid), int(s.user.Gid))
}

// run runs a command as the server would, to its end.
func (s *Server) run(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.program.Patience)
	defer cancel()
	cmd, err := s.Command(ctx, name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// dial connects to the server, for as long as the context allows.
func (s *Server) dial(ctx context.Context) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// FreePort returns a port on which nobody listens. It is below those that a system gives
// to whoever asks for any, so that nobody gets it before a server starts, or while the
// server is down. A lock keeps it from other tests until this process ends.
func FreePort() (int, error) {
	const first, number = 20000, 12000
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("session-test-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	for range 10 * number {
		port := first + rand.IntN(number)
		// A descriptor, as an os.File would be closed by the garbage collector.
		lock, err := syscall.Open(filepath.Join(dir, strconv.Itoa(port)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			return 0, err
		}
		if syscall.Flock(lock, syscall.LOCK_EX|syscall.LOCK_NB) == nil && !inUse(port) {
			return port, nil
		}
		if err := syscall.Close(lock); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("all ports from %d to %d are in use", first, first+number-1)
}

func inUse(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		l.Close()
	}
	return errors.Is(err, syscall.EADDRINUSE)
}

// taken tells whether the server cannot have its ports.
func (s *Server) taken() bool {
	return inUse(s.Port) || inUse(s.Port2) || s.Port == s.Port2 // zero: any
}

// quoteLog is the end of the log, for the output of a test.
func (s *Server) quoteLog() string {
	const most = 200
	lines := strings.Split(strings.TrimRight(s.Log(), "\n"), "\n")
	switch {
	case len(lines) == 1 && lines[0] == "":
		return "; its log is empty"
	case len(lines) > most:
		lines = append([]string{fmt.Sprintf("(%d lines before)", len(lines)-most)}, lines[len(lines)-most:]...)
	}
	return "; its log:\n  | " + strings.Join(lines, "\n  | ")
}
