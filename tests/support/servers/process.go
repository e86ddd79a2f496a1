package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watch ends the server when the tests are gone, even by kill -9: reading from
// a pipe ends when nobody is left who could write to it. The shell leads the
// server's process group, so it is there before the server, and the group
// cannot become another's while it lives.
const watch = `
trap '' "$1"
read -r never
kill -s "$1" 0
sleep "$2"
kill -s KILL 0
`

// launch starts the command as the server's process, and its watchdog.
func (s *Server) launch(cmd *exec.Cmd) error {
	stop, grace := int(s.program.Stop), s.program.Grace.Seconds()
	watchdog := exec.Command("/bin/sh", "-c", watch, "watchdog", strconv.Itoa(stop), strconv.FormatFloat(grace, 'f', 3, 64))
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := watchdog.StdinPipe(); err != nil { // the watchdog keeps our end
		return err
	}
	if err := watchdog.Start(); err != nil {
		return fmt.Errorf("start the watchdog: %w", err)
	}
	done := make(chan struct{})
	s.cmd, s.watchdog, s.done = cmd, watchdog, done
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pgid = true, watchdog.Process.Pid
	if err := cmd.Start(); err != nil {
		close(done)
		s.Kill()
		return err
	}
	go func() {
		_ = cmd.Wait() // ProcessState tells
		close(done)
	}()
	return nil
}

func (s *Server) exited() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Signal sends the server, not its children, a signal: SIGSTOP freezes it.
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// SignalAll sends the server a signal, and then its descendants. One that SIGSTOP
// froze makes no more of them.
func (s *Server) SignalAll(sig syscall.Signal) error {
	_, err := s.signalAll(sig)
	return err
}

func (s *Server) signalAll(sig syscall.Signal) (children []int, err error) {
	pid := s.cmd.Process.Pid
	err = s.Signal(sig)
	if sig == syscall.SIGSTOP {
		// It may be making one right now.
		s.settle(func(all map[int]process) bool { return !all[pid].running || all[pid].stopped })
	}
	children = descendants(pid)
	for _, child := range children {
		if e := syscall.Kill(child, sig); e != syscall.ESRCH {
			err = errors.Join(err, e)
		}
	}
	return children, err
}

// settle waits until the processes of this machine are as they should be,
// which is a matter of milliseconds unless the machine does much else.
func (s *Server) settle(done func(map[int]process) bool) {
	for deadline := time.Now().Add(s.program.Patience); !done(processes()) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// Stop ends the server in order, and returns an error if it did not end well
// within its grace; then it is killed. That it had ended before is no error.
func (s *Server) Stop() error {
	if s.watchdog == nil || s.exited() {
		return nil
	}
	if err := s.Signal(s.program.Stop); err != nil && !s.exited() {
		return err
	}
	select {
	case <-s.done:
	case <-time.After(s.program.Grace):
		s.Kill()
		return fmt.Errorf("it did not end %v after %v, and was killed", s.program.Grace, s.program.Stop)
	}
	s.Kill() // the watchdog, and children that were left behind
	if state := s.cmd.ProcessState; !state.Success() && state.Sys().(syscall.WaitStatus).Signal() != s.program.Stop {
		return fmt.Errorf("it ended badly: %v", state)
	}
	return nil
}

// ExitCode waits until the server has ended, and is then that of
// os.ProcessState: -1 if a signal ended it.
func (s *Server) ExitCode() int {
	<-s.done
	return s.cmd.ProcessState.ExitCode()
}

// Kill ends the server and all its descendants at once, as a crash does, and
// waits until it is gone.
func (s *Server) Kill() {
	if s.watchdog == nil || s.watchdog.ProcessState != nil {
		return // not started, or killed before
	}
	// A child that leads a session of its own, as those of PostgreSQL do, is in
	// another process group. A stopped parent makes no more of them.
	var children []int
	if !s.exited() {
		children, _ = s.signalAll(syscall.SIGSTOP)
		for _, pid := range children {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = syscall.Kill(-s.watchdog.Process.Pid, syscall.SIGKILL)
	<-s.done
	_ = s.watchdog.Wait() // closes the pipe
	// Until its children are gone as well, they may hold what the next start
	// needs: the port, and of PostgreSQL the shared memory.
	s.settle(func(all map[int]process) bool {
		return !slices.ContainsFunc(children, func(pid int) bool { return all[pid].running })
	})
}

// descendants are the children of a process, and theirs.
func descendants(pid int) (all []int) {
	children := map[int][]int{}
	for child, p := range processes() {
		children[p.parent] = append(children[p.parent], child)
	}
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}

type process struct {
	parent  int
	running bool // or it has ended, and waits for its parent to notice
	stopped bool
}

// processes are those of this machine.
func processes() map[int]process {
	all := map[int]process{}
	add := func(child, parent, state string) {
		c, _ := strconv.Atoi(child)
		p, _ := strconv.Atoi(parent)
		all[c] = process{p, state[0] != 'Z', state[0] == 'T'}
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // Linux, where ps is not everywhere
	for _, name := range stats {
		text, _ := os.ReadFile(name) // gone meanwhile: no line
		pid, rest, _ := strings.Cut(string(text), " ")
		// The second field is a name in parentheses, which may hold anything.
		if fields := strings.Fields(rest[strings.LastIndex(rest, ")")+1:]); len(fields) > 1 {
			add(pid, fields[1], fields[0])
		}
	}
	if len(all) > 0 {
		return all
	}
	out, _ := exec.Command("ps", "-axo", "pid=,ppid=,state=").Output()
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) == 3 {
			add(fields[0], fields[1], fields[2])
		}
	}
	return all
}
