package sessionredis

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// judge says whether the client keeps to the deadline of a context, and why
// sessions would not be safe with it or with the prefix.
func judge(client redis.UniversalClient, prefix string) (punctual bool, unfit error) {
	if strings.Contains(prefix, subjects) {
		return false, errors.New(`Options.Prefix must not hold "subject:"`)
	}
	switch c := client.(type) {
	case *redis.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			unfit = errors.New("the client answers from a cache of its own, which shows what has been revoked: " +
				"leave ClientSideCache and ClientSideCacheConfig unset")
		}
		return c.Options().ContextTimeoutEnabled, unfit
	case *redis.ClusterClient:
		if c.Options().ReadOnly {
			unfit = errors.New("the client reads from replicas, which show what has been revoked: " +
				"leave ReadOnly, RouteByLatency and RouteRandomly unset")
		}
		return c.Options().ContextTimeoutEnabled, unfit
	case *redis.Ring:
		return false, errors.New("a redis.Ring moves the keys of a server that is down, " +
			"and what was deleted comes back with it: use a Cluster")
	}
	return false, nil // another implementation, which may do well
}

const (
	patience = 1500 * time.Millisecond // go-redis looks once a second whether a server is back
	pause    = 25 * time.Millisecond
)

// process sends a command and waits for the reply.
func (s *Store) process(ctx context.Context, cmd redis.Cmder) error {
	return s.call(ctx, func() error { return s.client.Process(ctx, cmd) })
}

// call makes a call of the client. It begins anew, for a while, when Redis says
// that it did nothing, or was not reached.
func (s *Store) call(ctx context.Context, send func() error) error {
	if s.unfit != nil {
		return s.unfit
	}
	for start := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.bounded(ctx, send)
		if err == nil || errors.Is(err, redis.Nil) {
			return err
		}
		s.lookAround(ctx, err)
		if !refused(err) || time.Since(start) > patience {
			return err
		}
		select {
		case <-ctx.Done():
			return err // tells more than that the time is over
		case <-time.After(pause):
		}
	}
}

// pipeline sends commands together and waits for all replies. The error is that
// of a command, or nil where all had a reply, be it that there is no such key.
func pipeline[C redis.Cmder](ctx context.Context, s *Store, cmds []C) error {
	pending := cmds
	return s.call(ctx, func() error {
		pipe := s.client.Pipeline()
		for _, cmd := range pending {
			cmd.SetErr(nil)
			_ = pipe.Process(ctx, cmd) // queues it
		}
		_, _ = pipe.Exec(ctx) // the error is that of a command
		var again []C
		var failure, refusal error
		for _, cmd := range pending {
			switch err := cmd.Err(); {
			case err == nil || errors.Is(err, redis.Nil):
			case refused(err):
				again, refusal = append(again, cmd), err
			default:
				failure = err
			}
		}
		if pending = again; failure != nil {
			return failure
		}
		return refusal
	})
}

// bounded makes a call that lasts no longer than the context, which a client
// by default ignores while it waits for Redis.
func (s *Store) bounded(ctx context.Context, send func() error) error {
	if s.punctual || ctx.Done() == nil {
		return send()
	}
	result := make(chan error, 1)
	go func() { result <- send() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refused reports whether the command certainly had no effect, and would have
// one later: nobody answered, or the server is not ready, or not yet or no longer
// a master, or lacks its replicas.
func refused(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// lookAround makes a Cluster client look for the present masters. By itself it
// does so when a server sends it elsewhere, or once a minute; but a master that
// is dead sends it nowhere.
func (s *Store) lookAround(ctx context.Context, err error) {
	var network net.Error
	if !errors.As(err, &network) && !refused(err) {
		return
	}
	if c, ok := s.client.(interface{ ReloadState(context.Context) }); ok {
		c.ReloadState(ctx)
	}
}
