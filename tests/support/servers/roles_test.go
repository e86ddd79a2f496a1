package servers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the servers that the tests run: this binary, told by its
// environment what to be.
func TestMain(m *testing.M) {
	if role := os.Getenv("SERVERS_TEST_ROLE"); role != "" {
		if err := play(role, os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		return
	}
	os.Exit(m.Run())
}

func play(role, addr string) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	fmt.Println("role:", role)
	switch role {
	case "broken":
		return errors.New("bad configuration")
	case "deaf": // never ready
		<-ended
		return nil
	case "aloof", "careless": // a child serves, which outlives it when it ends in order
		child := exec.Command(os.Args[0], addr)
		child.Env = append(os.Environ(), "SERVERS_TEST_ROLE=stubborn")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: role == "aloof"} // as PostgreSQL's
		if err := child.Start(); err != nil {
			return err
		}
		<-ended
		return nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	for role == "stubborn" {
		<-ended
		fmt.Println("no")
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	<-ended
	fmt.Println("ended in order")
	if role == "bad end" {
		return errors.New("could not save")
	}
	return nil
}

// program is this binary in a role.
func program(role string) Program {
	grace := 10 * time.Second
	if role == "stubborn" || role == "deaf" {
		grace = 100 * time.Millisecond
	}
	return Program{
		Name:  os.Args[0],
		Env:   []string{"SERVERS_TEST_ROLE=" + role, "GORACE=atexit_sleep_ms=0"},
		Args:  func(s *Server) []string { return []string{s.Addr()} },
		Grace: grace,
	}
}

// A spy is a test that may fail without failing the real one.
type spy struct {
	testing.TB
	failed   bool
	said     strings.Builder
	cleanups []func()
}

func (s *spy) Helper()          {}
func (s *spy) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *spy) Failed() bool     { return s.failed }
func (s *spy) Logf(format string, args ...any) {
	fmt.Fprintf(&s.said, format+"\n", args...)
}

func (s *spy) Errorf(format string, args ...any) {
	s.failed = true
	s.Logf(format, args...)
}

func (s *spy) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// run runs f as a test of its own, to its end.
func run(f func(*spy)) *spy {
	s := &spy{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for i := len(s.cleanups) - 1; i >= 0; i-- {
				s.cleanups[i]()
			}
		}()
		f(s)
	}()
	<-done
	return s
}

func (s *spy) want(t *testing.T, failed bool, said ...string) {
	t.Helper()
	if s.failed != failed {
		t.Errorf("failed: got %v, want %v; it said:\n%s", s.failed, failed, s.said.String())
	}
	for _, text := range said {
		if !strings.Contains(s.said.String(), text) {
			t.Errorf("want %q in what it said:\n%s", text, s.said.String())
		}
	}
}
