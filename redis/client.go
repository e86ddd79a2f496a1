package sessionredis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// judge reports whether the client keeps to the deadline of a context, and why
// sessions would not be safe with the client or the prefix.
func judge(client redis.UniversalClient, prefix string) (punctual bool, unfit error) {
	if strings.Contains(prefix, subjects) {
		return false, errors.New(`Options.Prefix must not hold "subject:"`)
	}
	switch c := client.(type) {
	case nil:
		return false, errors.New("New was given no client")
	case *redis.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			unfit = errors.New("the client answers from a cache of its own, which may show revoked sessions: " +
				"leave ClientSideCache and ClientSideCacheConfig unset")
		}
		return c.Options().ContextTimeoutEnabled, unfit
	case *redis.ClusterClient:
		if c.Options().ReadOnly {
			unfit = errors.New("the client reads from replicas, which may show revoked sessions: " +
				"leave ReadOnly, RouteByLatency and RouteRandomly unset")
		}
		return c.Options().ContextTimeoutEnabled, unfit
	case *redis.Ring:
		return false, errors.New("a redis.Ring moves the keys of a server that is down, " +
			"and deleted sessions come back with the server: use a Cluster")
	}
	return false, nil // another implementation, which may be fine
}

// ready returns why nothing must be sent, or nil.
func (s *Store) ready(ctx context.Context) error {
	if s.unfit != nil {
		return s.unfit
	}
	return ctx.Err()
}

// process sends a command that may be sent again, and waits for the reply.
func (s *Store) process(ctx context.Context, cmd redis.Cmder) error {
	_, err := s.call(ctx, true, func() error { return s.send(ctx, cmd) })
	return err
}

// send is one call of the client. A client that gathers the commands of several
// goroutines may return before there is a reply. Err waits for it.
func (s *Store) send(ctx context.Context, cmd redis.Cmder) error {
	if err := s.client.Process(ctx, cmd); err != nil {
		return err
	}
	return cmd.Err()
}

// pipeline sends commands together and waits for all replies. It returns the
// error of a command, or nil if all had a reply. That a key does not exist is a
// reply. client is the store's, or that of a node. repeat is as for call.
func pipeline[C redis.Cmder](ctx context.Context, s *Store, client redis.UniversalClient, repeat bool, cmds []C) error {
	pending := cmds
	_, err := s.call(ctx, repeat, func() error {
		pipe := client.Pipeline()
		for _, cmd := range pending {
			cmd.SetErr(nil)
			_ = pipe.Process(ctx, cmd) // queues it
		}
		_, failure := pipe.Exec(ctx) // perhaps of a hook, and of no command
		var again []C
		for _, cmd := range pending {
			err := cmd.Err()
			if err == nil || errors.Is(err, redis.Nil) {
				continue
			}
			if !passing(err, repeat) {
				return err
			}
			again, failure = append(again, cmd), err
		}
		if len(again) > 0 {
			pending = again
		} else if errors.Is(failure, redis.Nil) {
			return nil
		}
		return failure
	})
	return err
}

// patience is how long a call waits for Redis: go-redis checks only once a
// second whether a server that was down is back.
const patience = 1500 * time.Millisecond

// call makes a call of the client. It tries again, for a while, when Redis was
// not reached or says that it did nothing. With repeat, it also tries again
// when no reply came: go-redis hands out connections with TLS without checking
// whether the server has closed them. doubt is then the error of an attempt
// that may have taken effect, whatever the last attempt did.
func (s *Store) call(ctx context.Context, repeat bool, send func() error) (doubt, err error) {
	start, wait := time.Now(), 10*time.Millisecond
	for {
		if err := s.ready(ctx); err != nil {
			return doubt, err
		}
		err := s.bounded(ctx, send)
		if err == nil || errors.Is(err, redis.Nil) {
			return doubt, err
		}
		s.lookAround(ctx, err)
		if !passing(err, repeat) || time.Since(start) > patience {
			return doubt, err
		}
		pause := wait/2 + rand.N(wait/2) // so that waiting callers do not all come at once
		if broken(err) {
			doubt = err
		}
		if stats := s.client.PoolStats(); broken(err) && stats != nil && stats.IdleConns > 0 {
			pause = time.Millisecond // the next connection may be alive
		} else {
			wait = min(2*wait, 200*time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return doubt, err // it tells more than that the time is over
		case <-time.After(pause):
		}
	}
}

// bounded makes a call that does not outlast the deadline of the context. By
// default a client ignores the deadline while it waits for Redis.
func (s *Store) bounded(ctx context.Context, send func() error) error {
	if s.punctual || ctx.Done() == nil {
		return send()
	}
	result := make(chan error, 1)
	go func() {
		defer func() {
			// In the caller's goroutine an HTTP server would recover.
			if p := recover(); p != nil {
				result <- fmt.Errorf("the client panicked: %v", p)
			}
		}()
		result <- send()
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// passing reports whether a failure is temporary, and the command can be sent
// again.
func passing(err error, repeat bool) bool { return refused(err) || repeat && broken(err) }

// refused reports whether the command certainly had no effect, and would have
// one later. Nobody answered; or the server is not ready, not yet or no longer
// a master, lacks its replicas, or has too many clients; or a Cluster that is
// changing redirects the client more often than the client follows.
func refused(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	for _, prefix := range []string{"LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "max number of clients"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// broken reports whether no reply came. If the server closes a connection at
// once, the client returns the bare error of the system.
func broken(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "dial"
	}
	var system syscall.Errno
	return errors.As(err, &system) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// lookAround makes a Cluster client look for the present masters. By itself the
// client does so when a server redirects it, or once a minute. A dead master
// redirects nobody.
func (s *Store) lookAround(ctx context.Context, err error) {
	var network net.Error
	if !errors.As(err, &network) && !passing(err, true) {
		return
	}
	if c, ok := s.client.(interface{ ReloadState(context.Context) }); ok {
		c.ReloadState(ctx)
	}
}
