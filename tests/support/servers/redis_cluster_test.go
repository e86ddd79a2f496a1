package servers

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// eventually waits until f returns nil.
func eventually(t testing.TB, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := retry(ctx, f); err != nil {
		t.Fatalf("%v", err)
	}
}

func TestRedisReplica(t *testing.T) {
	t.Parallel()
	var master, replica *Server
	run(func(spy *spy) {
		master = Redis(spy, "--requirepass", "secret", "--rdb-key-save-delay", "200000") // microseconds: a slow copy
		cli(spy, master, "--no-auth-warning", "-a", "secret", "SET", "before", "1")
		replica = RedisReplica(spy, master, "--masterauth", "secret")
		if got := cli(spy, replica, "GET", "before"); got != "1" {
			spy.Errorf("GET on the replica: got %q, want what the master had before", got)
		}
		for name, s := range map[string]*Server{"master": master, "replica": replica} {
			eventually(spy, func() error { // the copy, for a moment
				if files, err := os.ReadDir(s.Dir); err != nil || len(files) > 0 {
					return fmt.Errorf("the %s keeps something on disk: got %v, %v; want nothing", name, files, err)
				}
				return nil
			})
		}
		replica.Kill()
		cli(spy, master, "--no-auth-warning", "-a", "secret", "SET", "meanwhile", "2")
		if err := replica.Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		if got := cli(spy, replica, "GET", "meanwhile"); got != "2" {
			spy.Errorf("GET on the replica: got %q, want what the master got while it was down", got)
		}
	}).want(t, false)
	wantGone(t, master, replica)
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	var nodes []*Server
	run(func(spy *spy) {
		nodes = RedisCluster(spy)
		for i, s := range nodes {
			want := "role:master"
			if i >= 3 {
				want = fmt.Sprintf("master_port:%d", nodes[i-3].Port)
			}
			if err := s.want(t.Context(), want, "INFO", "replication"); err != nil {
				spy.Errorf("node %d: %v", i, err)
			}
		}

		// A hundred keys meet every shard, from any node.
		for i := range 100 {
			key := fmt.Sprintf("key-%d", i)
			if got := cli(spy, nodes[i%len(nodes)], "-c", "SET", key, "value"); !strings.HasSuffix(got, "OK") {
				spy.Errorf("SET %s: got %q, want OK", key, got)
			}
		}
		for _, s := range nodes[:3] {
			if cli(spy, s, "DBSIZE") == "0" {
				spy.Errorf("the master %s got none of a hundred keys", s.Addr())
			}
		}

		size := cli(spy, nodes[0], "DBSIZE")
		eventually(spy, func() error { return nodes[3].want(t.Context(), size, "DBSIZE") })
		nodes[0].Kill()
		eventually(spy, func() error { return nodes[3].want(t.Context(), "role:master", "INFO", "replication") })
		for _, s := range nodes[1:] {
			eventually(spy, func() error { return s.want(t.Context(), "cluster_state:ok", "CLUSTER", "INFO") })
		}
		if got := cli(spy, nodes[3], "DBSIZE"); got != size {
			spy.Errorf("keys of the promoted replica: got %s, want %s", got, size)
		}

		if err := nodes[0].Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		want := fmt.Sprintf("master_port:%d", nodes[3].Port)
		eventually(spy, func() error { return nodes[0].want(t.Context(), want, "INFO", "replication") })
	}).want(t, false)
	wantGone(t, nodes...)
}
