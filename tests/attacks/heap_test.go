package attacks

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
	"github.com/gostateful/session/tests/support/servers"
	"github.com/gostateful/session/tests/support/stress"
)

// TestHeapHasNoTokens dumps the memory of an idle application in which many are logged
// in. There is no token in it, nor a secret. What a request at work has, is there: that
// shows that the test would find one.
func TestHeapHasNoTokens(t *testing.T) {
	binary, file := gotool.Build(t, "tests/attacks/idle"), filepath.Join(t.TempDir(), "heap")
	server := servers.Start(t, servers.Program{
		Name: binary,
		Args: func(s *servers.Server) []string { return []string{s.Addr(), file} },
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a connection keeps the last request
	ask := func(method, target, token string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+target, nil)
		require.NoError(t, err)
		if token != "" {
			r.Header.Set("Cookie", cookieName+"="+token)
		}
		resp, err := client.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		require.Equal(t, 200, resp.StatusCode)
		return resp
	}
	dump := func() []byte {
		t.Helper()
		_ = ask("POST", "/dump", "").Body.Close()
		heap, err := os.ReadFile(file)
		require.NoError(t, err)
		return heap
	}
	found := func(heap []byte, tokens []string) (n int) {
		for _, token := range tokens {
			raw, err := base64.RawURLEncoding.DecodeString(token)
			require.NoError(t, err)
			if bytes.Contains(heap, []byte(token)) || bytes.Contains(heap, raw[16:]) {
				n++
			}
		}
		return n
	}
	var tokens []string
	for i := range tries(50, 2000) {
		resp := ask("POST", fmt.Sprint("/login?as=user", i), "")
		require.Len(t, resp.Cookies(), 1)
		tokens = append(tokens, resp.Cookies()[0].Value)
		_ = resp.Body.Close()
		_ = ask("GET", "/", tokens[i]).Body.Close()
	}
	// The goroutine of the last connection may still be about to end.
	idle, deadline := dump(), time.Now().Add(stress.Patience)
	for found(idle, tokens) > 0 && time.Now().Before(deadline) {
		idle = dump()
	}
	require.Zero(t, found(idle, tokens), "tokens in the heap of an idle process, of %d", len(tokens))
	require.True(t, bytes.Contains(idle, []byte("user0")), "the sessions are there")
	held := ask("GET", "/?hold", tokens[0])
	require.NotZero(t, found(dump(), tokens[:1]), "the token of a request at work")
	_ = held.Body.Close()
	t.Logf("%d tokens, a dump of %d bytes", len(tokens), len(idle))
}
