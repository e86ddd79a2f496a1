package sessionredis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// What scripts answer, besides a subject or an expiry.
const (
	done     = int64(1)
	absent   = int64(0)
	conflict = int64(-1)
)

// What stands for the time to live in an update: keep what is stored, or delete.
const (
	keepExpiry = "keep"
	endNow     = "end"
)

var (
	//go:embed head.lua
	headText string

	//go:embed create.lua
	createText string

	//go:embed update.lua
	updateText string

	//go:embed touch.lua
	touchText string

	//go:embed remove.lua
	removeText string

	createScript = newScript(headText + createText)
	updateScript = newScript(headText + updateText)
	touchScript  = newScript(headText + touchText)
	removeScript = newScript(headText + removeText)
)

// A script runs on one key, so that it works in any slot of a Cluster, and
// writes by one command, see the comment of the package.
type script struct{ text, digest any } // strings, as arguments of a command

func newScript(text string) *script {
	digest := sha1.Sum([]byte(text)) // as Redis names it; no secret depends on it
	return &script{text, hex.EncodeToString(digest[:])}
}

// Commands are sent once by the client, which by default repeats them. When the
// reply to a write is lost, the repetition gets a conflict with its own first
// attempt; where a pool is full of dead connections, it takes too long over
// them. What can be repeated, the store repeats: see call.
type (
	command struct{ *redis.Cmd }
	get     struct{ *redis.StringCmd }
	entries struct{ *redis.ZSliceCmd }
)

// NoRetry is what go-redis asks.
func (command) NoRetry() bool { return true }
func (get) NoRetry() bool     { return true }
func (entries) NoRetry() bool { return true }

func newCommand(ctx context.Context, args ...any) command { return command{redis.NewCmd(ctx, args...)} }

func newGet(ctx context.Context, key string) get { return get{redis.NewStringCmd(ctx, "get", key)} }

// newHead reads what stands before the data.
func newHead(ctx context.Context, key string) get {
	return get{redis.NewStringCmd(ctx, "getrange", key, 0, headBytes-1)}
}

// evaluate is the command that runs a script: evalsha with its digest, or eval
// with its text. args go on after the key.
func evaluate(ctx context.Context, verb string, script any, key string, args func(all []any) []any) command {
	cmd := newCommand(ctx, args(append(make([]any, 0, 9), verb, script, 1, key))...)
	cmd.SetFirstKeyPos(3)
	return cmd
}

// run runs a script on a key and returns its answer. args appends the rest of its
// arguments, for the time in milliseconds since 1970. repeat and doubt are as
// for call. A server that does not know the script, as it is new or has
// restarted, gets the text.
func (s *Store) run(
	ctx context.Context, repeat bool, sc *script, key string, args func(all []any, now int64) []any,
) (answer any, doubt, err error) {
	var cmd command
	doubt, err = s.call(ctx, repeat, func() error {
		now := time.Now().UnixMilli()
		args := func(all []any) []any { return args(all, now) }
		cmd = evaluate(ctx, "evalsha", sc.digest, key, args)
		err := s.send(ctx, cmd)
		if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
			cmd = evaluate(ctx, "eval", sc.text, key, args)
			err = s.send(ctx, cmd)
		}
		return err
	})
	if err != nil {
		return nil, doubt, err // and cmd may still be in use
	}
	return cmd.Val(), doubt, nil
}

// strange is the error of an answer that none of our commands gets.
func strange(answer any) error {
	return fmt.Errorf("Redis answers with %T: is there something between it and the client?", answer)
}
