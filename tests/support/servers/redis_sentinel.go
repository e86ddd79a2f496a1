package servers

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SentinelMaster is the name by which the sentinels know their master.
const SentinelMaster = "main"

// RedisSentinel starts a master, its replica, and three sentinels that make
// the replica the master within about three seconds after the master is gone.
// A former master that starts again is made a replica.
func RedisSentinel(t testing.TB) (sentinels []*Server, master, replica *Server) {
	t.Helper()
	master = Redis(t)
	replica = RedisReplica(t, master)
	p := redis()
	p.Args = func(s *Server) []string {
		return []string{s.file("sentinel.conf"), "--sentinel", "--port", strconv.Itoa(s.Port), "--bind", "127.0.0.1", "--protected-mode", "no"}
	}
	p.Prepare = func(s *Server) error { // it keeps what it learns in this file
		return s.write("sentinel.conf", []byte(strings.Join([]string{
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", SentinelMaster, master.Port),
			"sentinel down-after-milliseconds " + SentinelMaster + " 1000",
			"sentinel failover-timeout " + SentinelMaster + " 2000",
		}, "\n")+"\n"))
	}
	p.Ready = hasten
	for range 3 {
		sentinels = append(sentinels, Start(t, p))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, s := range sentinels {
		if err := retry(ctx, func() error { return s.watches(ctx, replica) }); err != nil {
			t.Fatalf("servers: the sentinel %s is not usable: %v", s.Addr(), err)
		}
	}
	return sentinels, master, replica
}

// hasten returns nil when a sentinel answers, and shortens periods that cannot
// be configured.
func hasten(ctx context.Context, s *Server) error {
	_, err := s.ask(ctx, new(net.Dialer), "SENTINEL", "DEBUG", // milliseconds
		"info-period", "200", // between looks for replicas; 10000 by default
		"publish-period", "100", // between looks for sentinels; 2000
		// 1000. Well below down-after, or a server that it just met is down
		// before the first ping. But five of it are as old as its news of a
		// replica to promote may be, which it then gets once a second.
		"ping-period", "300",
		"tilt-period", "2000", // of inaction, after it was frozen; 30000
	)
	return err
}

// watches returns nil when a sentinel knows the others and could promote the replica.
func (s *Server) watches(ctx context.Context, replica *Server) error {
	quorum := "OK 3 usable Sentinels. Quorum and failover authorization can be reached"
	if err := s.want(ctx, quorum, "SENTINEL", "CKQUORUM", SentinelMaster); err != nil {
		return err
	}
	answer, err := s.ask(ctx, new(net.Dialer), "SENTINEL", "REPLICAS", SentinelMaster)
	if err != nil {
		return err
	}
	// Names and values, one a line.
	for _, want := range []string{
		"port\n" + strconv.Itoa(replica.Port),
		"flags\nslave",
		"master-link-status\nok",
	} {
		if !strings.Contains("\n"+answer+"\n", "\n"+want+"\n") {
			return fmt.Errorf("no %q in %q", want, answer)
		}
	}
	return nil
}
