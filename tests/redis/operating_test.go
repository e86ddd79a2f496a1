package redis_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessionredis "github.com/gostateful/session/redis"
	"github.com/gostateful/session/tests/support/servers"
)

// TestByHand runs the commands of docs/operating.md for an administrator.
func TestByHand(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(doc), "```redis\n")
	require.True(t, found, "docs/operating.md has no such block")
	block, _, _ := strings.Cut(after, "```")
	commands := strings.Split(strings.TrimSpace(block), "\n")
	require.Len(t, commands, 2)

	client := connect(t, servers.Redis(t))
	store := sessionredis.New(client, nil)
	ids := map[string]bool{}
	for range 2 {
		ids[create(t, store, record("42")).ID.String()] = true
	}
	do := func(command string) any {
		var args []any
		for _, word := range strings.Fields(command) {
			args = append(args, word)
		}
		answer, err := client.Do(t.Context(), args...).Result()
		require.NoError(t, err, command)
		return answer
	}
	shown := do(commands[0]).([]any)
	require.Len(t, shown, 2)
	for i, id := range shown {
		assert.True(t, ids[id.(string)], "got %s, which is no session of the subject", id)
		command, _, _ := strings.Cut(commands[1], ":")
		assert.EqualValues(t, 1, do(command+":"+id.(string)))
		left, err := store.List(t.Context(), "42")
		require.NoError(t, err)
		assert.Len(t, left, 1-i)
	}
}
