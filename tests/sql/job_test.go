package sql_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	sessionsql "github.com/gostateful/session/sql"
	"github.com/gostateful/session/tests/support/stress"
)

// A job is what another process does to an SQLite file: the program of the
// tests again, which is told so by an environment variable.
type job struct {
	name   string // in jobs
	driver string
	dsn    string
	arg    string
}

const jobVar = "SESSION_SQL_JOB"

// jobs print a line for each thing that is done.
var jobs = map[string]func(db *sql.DB, store *sessionsql.Store, arg string) error{
	"live":  live,
	"count": count,
	"hold":  hold,
}

// doJob does what the environment says, and ends when the process that wants
// it is gone, even by kill -9.
func doJob() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	do := strings.Split(os.Getenv(jobVar), "\n")
	j := job{do[0], do[1], do[2], do[3]}
	db, err := sql.Open(j.driver, j.dsn)
	if err == nil {
		store := sessionsql.New(db, sessionsql.SQLite, nil)
		err = jobs[j.name](db, store, j.arg)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// A worker is a process that does a job.
type worker struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines *bufio.Scanner
	ended sync.Once
}

// start has another process do a job, until the test ends.
func (j job) start(t testing.TB) *worker {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), jobVar+"="+strings.Join([]string{j.name, j.driver, j.dsn, j.arg}, "\n"))
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	w := &worker{t: t, cmd: cmd, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { w.kill() })
	return w
}

// line returns what the worker prints next.
func (w *worker) line() string {
	w.t.Helper()
	require.True(w.t, w.lines.Scan(), "the other process has ended")
	return w.lines.Text()
}

// kill ends the worker as kill -9 does, and returns what it had printed.
func (w *worker) kill() (rest []string) {
	w.ended.Do(func() {
		_ = w.cmd.Process.Kill() // it may have ended
		for w.lines.Scan() {
			rest = append(rest, w.lines.Text())
		}
		_ = w.cmd.Wait()
	})
	return rest
}

// wait waits until the job is done.
func (w *worker) wait() {
	w.t.Helper()
	w.ended.Do(func() {
		for w.lines.Scan() {
			w.t.Log(w.lines.Text())
		}
		assert.NoError(w.t, w.cmd.Wait(), "the other process")
	})
}

// steps is how many things live does to each session.
const steps = 10

// live creates sessions, changes and ends them, and prints the ID of each and
// the number of the step when a step is done.
func live(_ *sql.DB, store *sessionsql.Store, _ string) error {
	failed := make(chan error)
	for range 3 {
		go func() {
			for {
				r := record("")
				r.Subject = r.ID.String()
				for step := range steps {
					if err := take(store, r, step); err != nil {
						failed <- fmt.Errorf("step %d: %w", step, err)
					}
					fmt.Println(r.ID, step)
				}
			}
		}()
	}
	return <-failed
}

func take(store *sessionsql.Store, r session.Record, step int) error {
	ctx, cancel := context.WithTimeout(context.Background(), stress.Patience)
	defer cancel()
	r.Data, r.Version = []byte(strconv.Itoa(step)), uint64(max(step, 1))
	switch {
	case step == 0:
		return store.Create(ctx, r)
	case step < steps-1:
		return store.Update(ctx, r)
	case r.ID[15]%2 == 0:
		return store.Delete(ctx, r.ID)
	}
	n, err := store.DeleteAll(ctx, r.Subject)
	if err == nil && n != 1 {
		err = fmt.Errorf("DeleteAll removed %d", n)
	}
	return err
}

// increments is how often count increments.
const increments = 50

// count increments the version of a session by compare-and-swap.
func count(_ *sql.DB, store *sessionsql.Store, id string) error {
	key, err := session.ParseID(id)
	if err != nil {
		return err
	}
	lost := 0
	for done := 0; done < increments; {
		ctx, cancel := context.WithTimeout(context.Background(), stress.Patience)
		r, err := store.Load(ctx, key)
		if err == nil {
			err = store.Update(ctx, r)
		}
		cancel()
		switch {
		case err == nil:
			done++
		case errors.Is(err, session.ErrConflict):
			lost++
		default:
			return err
		}
	}
	fmt.Println("lost", lost, "times against others")
	return nil
}

// hold executes a statement that takes a lock, and keeps it.
func hold(db *sql.DB, _ *sessionsql.Store, text string) error {
	c, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	if _, err := c.ExecContext(context.Background(), text); err != nil {
		return err
	}
	fmt.Println("held")
	select {}
}
