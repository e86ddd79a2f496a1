package servers

import (
	"context"
	"errors"
	"fmt"
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// taken tells whether the server cannot have its ports.
func (s *Server) taken() bool {
	for _, port := range []int{s.Port, s.Port2} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) // zero: any
		if err == nil {
			l.Close()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return true
		}
	}
	return s.Port == s.Port2
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
