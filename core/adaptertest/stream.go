package adaptertest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

func streamLaws() []law {
	return []law{{"TouchInStream", touchInStream}, {"WatchInStream", watchInStream}}
}

// touchInStream: a stream may outlast its handler and its session. With Touch
// it keeps the session alive, and learns when the session has ended.
func touchInStream(t *testing.T, on setup) {
	if !featuresOf(t, on).streams {
		t.Log("the adapter's framework has no streams: Request.Stream is nil")
		return
	}
	ids, steps, results := make(chan session.ID, 1), make(chan struct{}), make(chan error, 1)
	si := open(t, on, nil, routes{"/stream": func(si *site, r Request) {
		s := si.session(r)
		if s == nil {
			return
		}
		ids <- s.ID()
		r.Stream(func(send func(string) error) {
			_ = send("one")
			for range steps {
				results <- s.Touch(context.Background())
			}
			_ = send("two")
		})
	}})
	stop := sync.OnceFunc(func() { close(steps) })
	t.Cleanup(stop)
	v := si.known()
	resp := si.begun("/stream", v.token())
	defer resp.Body.Close()
	defer stop() // Close waits for the end of the stream
	if _, err := io.ReadFull(resp.Body, make([]byte, len("one"))); err != nil {
		t.Fatalf("the first part while the stream runs: %v", err)
	}
	touch := func() error {
		steps <- struct{}{}
		return receive(t, results)
	}
	si.store.expireIn(t, 20*time.Minute) // of an hour
	if err := touch(); err != nil {
		t.Errorf("Touch in a stream: got the error %v, want none", err)
	}
	if info, err := si.Find(t.Context(), receive(t, ids)); err != nil || time.Until(info.ExpiresAt) < 30*time.Minute {
		t.Errorf("after Touch in a stream the session ends at %v (%v), want an hour from then", info.ExpiresAt, err)
	}
	v.get("/logout").wants(t, 200, "new")
	if err := touch(); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Touch in a stream whose session has ended: got the error %v, want ErrNotFound", err)
	}
}

// watchInStream: a stream may outlast its handler. It sees what other requests
// change, and that the session has ended.
func watchInStream(t *testing.T, on setup) {
	if !featuresOf(t, on).streams {
		t.Log("the adapter's framework has no streams: Request.Stream is nil")
		return
	}
	shown, ended := make(chan int, 10), make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	si := open(t, on, nil, routes{"/stream": func(si *site, r Request) {
		seen, err := si.Peek(r.Context)
		if err != nil {
			refuse(r, err)
			return
		}
		r.Stream(func(send func(string) error) {
			_ = send("one")
			for info, err := range si.Changes(ctx, seen, 0) {
				if err != nil {
					ended <- err
					return
				}
				shown <- info.Data.N
			}
		})
	}})
	t.Cleanup(stop)
	v := si.known()
	resp := si.begun("/stream", v.token())
	defer resp.Body.Close()
	defer stop() // Close waits for the end of the stream
	n := receive(t, shown)
	v.get("/count").wants(t, 200, strconv.Itoa(n+1))
	if got := receive(t, shown); got != n+1 {
		t.Errorf("after a change a stream is shown %d, want %d", got, n+1)
	}
	v.get("/logout").wants(t, 200, "new")
	if err := receive(t, ended); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("a stream whose session has ended is told %v, want ErrNotFound", err)
	}
}

// begun returns the response of a stream, which goes on.
func (si *site) begun(target, token string) *http.Response {
	si.t.Helper()
	resp, err := si.send(target, cookie(token)).next()
	if err != nil {
		si.t.Fatalf("no header while the stream runs: %v", err)
	}
	return resp
}
