package sessionredis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	session "github.com/gostateful/session/core"
)

// All implements session.Iterable. A session may come more than once. All goes
// through all keys of Redis by SCAN, about a thousand with each call, and reads
// the sessions among them. In a Cluster it takes one master after the other. If
// the slot of a session moves to another master meanwhile, All may miss the
// session. If a server restarts, All ends with an error, because it has lost
// its place.
//
// It needs the commands SCAN and INFO: see the README.
func (s *Store) All(ctx context.Context) iter.Seq2[session.Record, error] {
	return func(yield func(session.Record, error) bool) {
		all := s.prefix + "*"
		nodes, err := s.nodes(ctx)
		if err != nil {
			yield(session.Record{}, failed("all", all, err))
			return
		}
		for _, node := range nodes {
			for found, err := range s.scan(ctx, node) {
				if err != nil {
					yield(session.Record{}, failed("all", all, err))
					return
				}
				records, _, err := s.fetch(ctx, "all", all, found)
				for _, r := range records {
					if !yield(r, nil) {
						return
					}
				}
				if err != nil {
					yield(session.Record{}, err)
					return
				}
			}
		}
	}
}

// masters is implemented by a client of a Cluster.
type masters interface {
	ForEachMaster(ctx context.Context, do func(ctx context.Context, node *redis.Client) error) error
}

// nodes returns the servers that hold sessions: the masters of a Cluster, or
// the one server.
func (s *Store) nodes(ctx context.Context) (nodes []redis.UniversalClient, err error) {
	cluster, ok := s.client.(masters)
	if !ok || s.unfit != nil {
		return []redis.UniversalClient{s.client}, s.ready(ctx)
	}
	found := make(chan []redis.UniversalClient, 1) // a call that is given up may still end later
	_, err = s.call(ctx, true, func() error {
		var mu sync.Mutex
		var all []redis.UniversalClient
		err := cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, c)
			return nil
		})
		if err == nil {
			found <- all
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-found, nil
}

// scan iterates over the sessions of a server, in pages. Some pages are empty.
// A cursor is valid only in the process that gave it.
func (s *Store) scan(ctx context.Context, node redis.UniversalClient) iter.Seq2[[]entry, error] {
	return func(yield func([]entry, error) bool) {
		cursor, server := "0", ""
		for {
			info, reply, err := s.scanOnce(ctx, node, cursor)
			if err == nil && server != "" && server != field(info, "run_id") {
				err = errors.New("the server has restarted, or another has taken its place: begin anew")
			}
			var names []string
			if err == nil {
				names, cursor, err = scanned(reply)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			server = field(info, "run_id")
			if !yield(s.sessions(names), nil) || cursor == "0" {
				return
			}
		}
	}
}

// scanOnce also asks for the run_id of the process. Both commands are sent and
// repeated together, so that one process answers both.
func (s *Store) scanOnce(ctx context.Context, node redis.UniversalClient, cursor string) (info string, reply any, err error) {
	var asked, scan command
	_, err = s.call(ctx, true, func() error {
		asked, scan = newCommand(ctx, "info", "server"), newCommand(ctx, "scan", cursor, "match", s.pattern(), "count", page)
		_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			return errors.Join(p.Process(ctx, asked), p.Process(ctx, scan))
		})
		return err
	})
	if err != nil {
		return "", nil, err
	}
	if info, err = asked.Text(); err != nil {
		return "", nil, err
	}
	_, one := s.client.(*redis.Client)
	if _, all := s.client.(masters); !one && !all && field(info, "redis_mode") == "cluster" {
		return "", nil, fmt.Errorf("a %T may not reach all servers of a Cluster: make a store of the redis.ClusterClient for this", s.client)
	}
	return info, scan.Val(), nil
}

// field returns a field of the reply to INFO.
func field(info, name string) string {
	_, after, _ := strings.Cut("\n"+info, "\n"+name+":")
	value, _, _ := strings.Cut(after, "\r\n")
	return value
}

// pattern matches the keys of this prefix's sessions, and no keys of another
// prefix.
func (s *Store) pattern() string {
	literal := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s.prefix)
	return literal + "????????-????-????-????-????????????"
}

// scanned parses the reply to SCAN.
func scanned(reply any) (names []string, cursor string, err error) {
	parts, _ := reply.([]any)
	if len(parts) != 2 {
		return nil, "", strange(reply)
	}
	cursor, ok := parts[0].(string)
	keys, isList := parts[1].([]any)
	if !ok || !isList {
		return nil, "", strange(reply)
	}
	for _, key := range keys {
		name, _ := key.(string)
		names = append(names, name)
	}
	return names, cursor, nil
}

// sessions returns the sessions whose keys have these names, as entries without
// a lease.
func (s *Store) sessions(names []string) (found []entry) {
	for _, name := range names {
		// The key of a subject's set may look alike.
		if id, err := session.ParseID(strings.TrimPrefix(name, s.prefix)); err == nil {
			found = append(found, entry{id: id})
		}
	}
	return found
}
