package redis_test

import (
	"context"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// An onTrip is a hook that is called before each round trip with what it sends,
// but for those of a new connection. With an error nothing is sent.
type onTrip func(cmds []redis.Cmder) error

func (do onTrip) call(cmds []redis.Cmder) error {
	if name := cmds[0].Name(); name == "hello" || name == "client" {
		return nil
	}
	return do(cmds)
}

func (onTrip) DialHook(next redis.DialHook) redis.DialHook { return next }

func (do onTrip) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := do.call([]redis.Cmder{cmd}); err != nil {
			return err
		}
		return next(ctx, cmd)
	}
}

func (do onTrip) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := do.call(cmds); err != nil {
			return err
		}
		return next(ctx, cmds)
	}
}

// beforeTrip does something before a round trip, counted from one. seen counts them.
func beforeTrip(trip int64, do func()) (_ onTrip, seen *atomic.Int64) {
	seen = new(atomic.Int64)
	return func([]redis.Cmder) error {
		if seen.Add(1) == trip {
			do()
		}
		return nil
	}, seen
}
