package session_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	session "github.com/gostateful/session/core"
)

// captureDefaultLog returns what slog.Default() has logged since it was last
// asked, line by line.
func captureDefaultLog(t *testing.T) func() []string {
	var mu sync.Mutex
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&locked{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(was) })
	return func() (lines []string) {
		mu.Lock()
		defer mu.Unlock()
		for line := range strings.Lines(log.String()) {
			lines = append(lines, line)
		}
		log.Reset()
		return lines
	}
}

type locked struct {
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

// newLoud returns a manager whose options leave the log to slog.Default().
func newLoud(t *testing.T) (*session.Manager[cart], *testStore) {
	store := newTestStore()
	m, err := session.New[cart](store, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, store
}
