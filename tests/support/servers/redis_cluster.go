package servers

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RedisReplica starts a replica of a server that asks for no password, or for
// the one in the arguments' --masterauth. It is ready when it has the master's
// data, also after a restart. It may not have a password of its own.
//
// What the master gets afterwards follows within milliseconds, but at first
// within a second: Redis 7.0 sends nothing until the replica's next
// acknowledgement. Before killing the master, wait until the replica has it, or use
// WAIT on the connection that wrote it.
func RedisReplica(t testing.TB, of *Server, args ...string) *Server {
	t.Helper()
	p := redis(append([]string{"--replicaof", "127.0.0.1", strconv.Itoa(of.Port)}, args...)...)
	p.Ready = replicates
	return Start(t, p)
}

// replicates returns nil when the server is a replica and follows its master.
func replicates(ctx context.Context, s *Server) error {
	return s.want(ctx, "master_link_status:up", "INFO", "replication")
}

// want returns nil when the line is in the answer to the command.
func (s *Server) want(ctx context.Context, line string, command ...string) error {
	answer, err := s.ask(ctx, new(net.Dialer), command...)
	if err != nil {
		return err
	}
	if lines := strings.FieldsFunc(answer, func(c rune) bool { return c == '\r' || c == '\n' }); !slices.Contains(lines, line) {
		return fmt.Errorf("no %q in %q", line, answer)
	}
	return nil
}

// RedisCluster starts a Redis Cluster of three masters, which come first, and
// a replica of each, in the same order. Its nodes miss one another after a
// second, so a killed master is replaced within about two. A node that starts again
// may need a moment more to find its place.
func RedisCluster(t testing.TB) []*Server {
	t.Helper()
	p := redis(
		"--cluster-enabled", "yes",
		"--cluster-node-timeout", "1000",
		"--cluster-replica-validity-factor", "0", // however long it lost its master, a replica may replace it
	)
	args := p.Args
	p.TwoPorts = true // one is for the other nodes
	p.Args = func(s *Server) []string { return append(args(s), "--cluster-port", strconv.Itoa(s.Port2)) }
	var nodes []*Server
	create := []string{"--cluster", "create"}
	for range 6 {
		s := Start(t, p)
		nodes, create = append(nodes, s), append(create, s.Addr())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd, err := nodes[0].Command(ctx, "redis-cli", append(create, "--cluster-replicas", "1", "--cluster-yes")...)
	if err != nil {
		t.Fatalf("servers: %v", err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("servers: redis-cli --cluster create: %v\n%s", err, out)
	}
	for _, s := range nodes {
		if err := retry(ctx, func() error { return s.joined(ctx) }); err != nil {
			t.Fatalf("servers: the Redis Cluster is not usable: %s: %v", s.Addr(), err)
		}
	}
	// redis-cli makes the first the masters, but deals the replicas at random.
	masters, replicas := nodes[:3], nodes[3:]
	ordered := slices.Clone(masters)
	for _, m := range masters {
		for _, r := range replicas {
			if r.want(ctx, "master_port:"+strconv.Itoa(m.Port), "INFO", "replication") == nil {
				ordered = append(ordered, r)
			}
		}
	}
	if len(ordered) != len(nodes) {
		t.Fatalf("servers: redis-cli --cluster create made no replica of each of the first three nodes")
	}
	return ordered
}

// joined returns nil when a node sees the whole cluster, and what it sees is well.
func (s *Server) joined(ctx context.Context) error {
	if err := s.want(ctx, "cluster_state:ok", "CLUSTER", "INFO"); err != nil {
		return err
	}
	nodes, err := s.ask(ctx, new(net.Dialer), "CLUSTER", "NODES")
	if err != nil {
		return err
	}
	// id address flags master-id ... link-state slots
	seen := map[string]int{}
	for line := range strings.Lines(nodes) {
		if fields := strings.Fields(line); len(fields) > 7 && fields[7] == "connected" {
			seen[strings.TrimPrefix(fields[2], "myself,")]++
		}
	}
	if seen["master"] != 3 || seen["slave"] != 3 {
		return fmt.Errorf("it sees %v of %q", seen, nodes)
	}
	if role, err := s.ask(ctx, new(net.Dialer), "ROLE"); err != nil || strings.HasPrefix(role, "master") {
		return err
	}
	return replicates(ctx, s)
}
