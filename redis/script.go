package sessionredis

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"

	"github.com/redis/go-redis/v9"
)

// What scripts answer, besides a subject.
const (
	done     = int64(1)
	absent   = int64(0)
	conflict = int64(-1)
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
// writes by one command: what it writes by more, Redis 7.0 and others lose when
// they load an append-only file while the default user is off
// (redis/redis#14541, valkey-io/valkey#3983).
type script struct{ text, digest string }

func newScript(text string) *script {
	digest := sha1.Sum([]byte(text)) // as Redis names it; no secret depends on it
	return &script{text, hex.EncodeToString(digest[:])}
}

// once is a command that the client sends once only. When the reply to a write
// is lost, a client that repeats it gets the answer to the repetition: a
// conflict with its own first attempt. An error instead tells the truth: the
// outcome is unknown, and the engine looks.
type once struct{ *redis.Cmd }

// NoRetry is what go-redis asks.
func (once) NoRetry() bool { return true }

// evaluate is the command that runs a script: evalsha with its digest, or eval
// with its text.
func evaluate(ctx context.Context, verb, script, key string, args ...any) once {
	all := append(make([]any, 0, 4+len(args)), verb, script, 1, key)
	cmd := once{redis.NewCmd(ctx, append(all, args...)...)}
	cmd.SetFirstKeyPos(3)
	return cmd
}

// run runs a script, and returns its answer. A server that does not know it,
// as it is new or has restarted, gets the text.
func (s *Store) run(ctx context.Context, sc *script, key string, args ...any) (any, error) {
	cmd := evaluate(ctx, "evalsha", sc.digest, key, args...)
	err := s.process(ctx, cmd)
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		cmd = evaluate(ctx, "eval", sc.text, key, args...)
		err = s.process(ctx, cmd)
	}
	if err != nil {
		return nil, err
	}
	return cmd.Val(), nil
}
