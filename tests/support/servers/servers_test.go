package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func listens(addr string) bool {
	c, err := net.Dial("tcp", addr)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func TestLifeWithTheTest(t *testing.T) {
	var addr, dir string
	ran := run(func(t *spy) {
		s := Start(t, program("serve"))
		addr, dir = s.Addr(), s.Dir
		if !listens(addr) {
			t.Errorf("Start returned before the server listens")
		}
	})
	ran.want(t, false)
	if ran.said.Len() > 0 {
		t.Errorf("a test that passes says nothing; got %q", ran.said.String())
	}
	if listens(addr) {
		t.Error("the server outlived its test")
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is left behind: %v", err)
	}
}

func TestLogOfAFailedTest(t *testing.T) {
	run(func(t *spy) {
		Start(t, program("serve"))
		t.Errorf("something else")
	}).want(t, true, "something else", "role: serve", "ended in order")
}

func TestStartFailures(t *testing.T) {
	impatient := program("deaf")
	impatient.Patience = time.Second
	impatient.Ready = func(_ context.Context, s *Server) error {
		until(t, "the server never started", func() bool { return strings.Contains(s.Log(), "role: deaf") })
		return errors.New("no greeting: " + s.Log())
	}
	unprepared := program("serve")
	unprepared.Prepare = func(*Server) error { return errors.New("no data folder") }
	for _, test := range []struct {
		name    string
		program Program
		want    []string
	}{
		{"ends at once", program("broken"), []string{"ended before it was ready: exit status 3", "bad configuration"}},
		{"never ready", impatient, []string{"not ready after 1s", "no greeting", "role: deaf"}},
		{"not installed", Program{Name: "no-such-server", Folders: []string{"/opt/*/bin"}, Install: "the package no-such"}, []string{"no-such-server", "/opt/*/bin", "install the package no-such"}},
		{"cannot prepare", unprepared, []string{"no data folder"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(func(spy *spy) {
				Start(spy, test.program)
				t.Error("Start returned")
			}).want(t, true, test.want...)
		})
	}
}

func TestPortInUse(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	used := other.Addr().(*net.TCPAddr).Port

	t.Run("once", func(t *testing.T) {
		asked := 0
		s := start(t, program("serve"), func() (int, error) {
			if asked++; asked == 1 {
				return used, nil
			}
			return FreePort()
		})
		if s.Port == used {
			t.Errorf("got the port %d that another program uses", used)
		}
	})
	t.Run("the second of two", func(t *testing.T) {
		own, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		for _, second := range []int{used, own} {
			next := []int{own, second}
			p := program("serve")
			p.TwoPorts = true
			s := start(t, p, func() (int, error) {
				if len(next) == 0 {
					return FreePort()
				}
				port := next[0]
				next = next[1:]
				return port, nil
			})
			if s.Port2 == 0 || s.Port2 == used || s.Port2 == s.Port {
				t.Errorf("got the ports %d and %d; want two, and not %d, which another program uses", s.Port, s.Port2, used)
			}
		}
	})
	t.Run("always", func(t *testing.T) {
		run(func(t *spy) {
			start(t, program("serve"), func() (int, error) { return used, nil })
		}).want(t, true, "another program uses its port")
	})
}

func TestStopAndStart(t *testing.T) {
	s := Start(t, program("serve"))
	for name, end := range map[string]func(){
		"Stop": func() {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		},
		"Kill": s.Kill,
	} {
		end()
		if listens(s.Addr()) {
			t.Errorf("after %s the server still listens", name)
		}
		if err := s.Start(); err != nil {
			t.Fatalf("Start after %s: %v", name, err)
		}
		if !listens(s.Addr()) {
			t.Errorf("after %s and Start the server does not listen", name)
		}
	}
	if got := strings.Count(s.Log(), "role: serve"); got != 3 {
		t.Errorf("the log has %d starts, want 3:\n%s", got, s.Log())
	}
}

func TestStopFailures(t *testing.T) {
	for role, want := range map[string]string{
		"stubborn": "did not end 100ms after terminated, and was killed",
		"bad end":  "it ended badly: exit status 3",
	} {
		t.Run(role, func(t *testing.T) {
			var addr string
			run(func(t *spy) {
				addr = Start(t, program(role)).Addr()
			}).want(t, true, want, "role: "+role)
			if listens(addr) {
				t.Error("the server outlived its test")
			}
		})
	}
}

func TestChildrenEnd(t *testing.T) {
	t.Run("Kill, in a session of their own", func(t *testing.T) {
		s := Start(t, program("aloof"))
		s.Kill()
		until(t, "the server's child survived Kill", func() bool { return !listens(s.Addr()) })
	})
	t.Run("Stop, left behind", func(t *testing.T) {
		s := Start(t, program("careless"))
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		until(t, "the server's child survived Stop", func() bool { return !listens(s.Addr()) })
	})
}

func TestUser(t *testing.T) {
	want := os.Getuid()
	if want == 0 {
		want = 65534 // nobody, on every Linux
	}
	s := Start(t, Program{
		Name: "sh",
		User: "nobody",
		Args: func(*Server) []string { return []string{"-c", "echo data > file && id -u && exec sleep 1000"} },
		Ready: func(_ context.Context, s *Server) error {
			if !strings.Contains(s.Log(), "\n") {
				return errors.New("no id yet")
			}
			return nil
		},
	})
	if got := strings.TrimSpace(s.Log()); got != fmt.Sprint(want) {
		t.Errorf("it runs as user %s, want %d", got, want)
	}
}

// TestWatchdog runs a test in another process and kills that once its server is
// ready. (That somebody listens on the port would not tell: start looks whether
// it can, to see whether the port is free.)
func TestWatchdog(t *testing.T) {
	if role := os.Getenv("SERVERS_TEST_WATCHDOG"); role != "" {
		fmt.Println(Start(t, program(role)).Addr())
		select {} // until killed
	}
	for _, role := range []string{"serve", "stubborn"} {
		t.Run(role, func(t *testing.T) {
			tmp := t.TempDir()
			victim := exec.Command(os.Args[0], "-test.run=^TestWatchdog$")
			victim.Env = append(os.Environ(), "SERVERS_TEST_WATCHDOG="+role, "TMPDIR="+tmp)
			out, err := victim.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := victim.Start(); err != nil {
				t.Fatal(err)
			}
			var addr string
			_, failed := fmt.Fscanln(out, &addr)
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = victim.Wait()
			if failed != nil {
				t.Fatalf("the server never started: %v", failed)
			}
			until(t, "the server outlived its test, which was killed", func() bool { return !listens(addr) })
			logs, _ := filepath.Glob(filepath.Join(tmp, "*", "log"))
			if len(logs) != 1 {
				t.Fatalf("got the logs %v, want one", logs)
			}
			log, err := os.ReadFile(logs[0])
			if err != nil {
				t.Fatal(err)
			}
			if role == "serve" && !strings.Contains(string(log), "ended in order") {
				t.Errorf("the server was not asked to end; its log:\n%s", log)
			}
		})
	}
}

// patience is how long a test waits for what has to happen, on a machine that
// does much else.
const patience = 2 * time.Minute

func until(t *testing.T, failure string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(failure)
		}
	}
}

// TestFreePort: no two tests get one port, nor does anybody who asks the system for any.
func TestFreePort(t *testing.T) {
	given := map[int]bool{}
	for range 100 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] || port >= 32768 {
			t.Errorf("got the port %d, want one below 32768 that was not given before", port)
		}
		given[port] = true
	}
}
