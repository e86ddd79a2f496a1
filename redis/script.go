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

// The answers of scripts, beside a subject or an expiry.
const (
	done     = int64(1)
	absent   = int64(0)
	conflict = int64(-1)
)

// These replace the time to live in an update: keep the stored one, or delete.
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

	//go:embed leave.lua
	leaveText string

	createScript = newScript(headText + createText)
	updateScript = newScript(headText + updateText)
	touchScript  = newScript(headText + touchText)
	removeScript = newScript(headText + removeText)
	leaveScript  = newScript(leaveText)
)

// A script runs on one key, so that it works in any slot of a Cluster. It
// writes by one command: see the comment of the package.
type script struct{ text, digest any } // strings, as arguments of a command

func newScript(text string) *script {
	digest := sha1.Sum([]byte(text)) // Redis names scripts so; no secret depends on it
	return &script{text, hex.EncodeToString(digest[:])}
}

// The client sends these commands once. By default it would repeat them. After
// the reply to a write is lost, the repetition gets a conflict with its own
// first attempt. With a pool full of dead connections, the repetitions take too
// long. The store itself repeats what can be repeated: see call.
type (
	command struct{ *redis.Cmd }
	get     struct{ *redis.StringCmd }
	scored  struct{ *redis.ZSliceCmd }
)

// NoRetry tells go-redis to send the command once.
func (command) NoRetry() bool { return true }
func (get) NoRetry() bool     { return true }
func (scored) NoRetry() bool  { return true }

func newCommand(ctx context.Context, args ...any) command { return command{redis.NewCmd(ctx, args...)} }

func newGet(ctx context.Context, key string) get { return get{redis.NewStringCmd(ctx, "get", key)} }

// newHead reads the fields before the data.
func newHead(ctx context.Context, key string) get {
	return get{redis.NewStringCmd(ctx, "getrange", key, 0, headBytes-1)}
}

// evaluate returns the command that runs a script: evalsha with its digest, or
// eval with its text. args appends the arguments after the key.
func evaluate(ctx context.Context, verb string, script any, key string, args func(all []any) []any) command {
	cmd := newCommand(ctx, args(append(make([]any, 0, 9), verb, script, 1, key))...)
	cmd.SetFirstKeyPos(3)
	return cmd
}

// run runs a script on a key and returns its answer. args appends the rest of
// its arguments, for the time now in milliseconds since 1970. repeat and doubt
// are as for call. A server that does not know the script, because it is new or
// has restarted, gets the text.
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
		return nil, doubt, err // cmd may still be in use
	}
	return cmd.Val(), doubt, nil
}

// strange returns the error for an answer that Redis never gives to these
// commands.
func strange(answer any) error {
	return fmt.Errorf("Redis answers with %T: is there something between it and the client?", answer)
}
