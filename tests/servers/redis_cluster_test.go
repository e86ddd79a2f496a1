package servers

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// eventually waits until f returns nil.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := retry(ctx, f); err != nil {
		t.Fatal(err)
	}
}

func TestRedisReplica(t *testing.T) {
	var master, replica *Server
	run(func(spy *spy) {
		master = Redis(spy, "--requirepass", "secret", "--rdb-key-save-delay", "200000") // microseconds: a slow copy
		cli(t, master, "--no-auth-warning", "-a", "secret", "SET", "before", "1")
		replica = RedisReplica(spy, master, "--masterauth", "secret")
		if got := cli(t, replica, "GET", "before"); got != "1" {
			spy.Errorf("GET on the replica: got %q, want what the master had before", got)
		}
		replica.Kill()
		cli(t, master, "--no-auth-warning", "-a", "secret", "SET", "meanwhile", "2")
		if err := replica.Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		if got := cli(t, replica, "GET", "meanwhile"); got != "2" {
			spy.Errorf("GET on the replica: got %q, want what the master got while it was down", got)
		}
	}).want(t, false)
	wantGone(t, master, replica)
}

func TestRedisCluster(t *testing.T) {
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
			if got := cli(t, nodes[i%len(nodes)], "-c", "SET", key, "value"); !strings.HasSuffix(got, "OK") {
				spy.Errorf("SET %s: got %q, want OK", key, got)
			}
		}
		for _, s := range nodes[:3] {
			if cli(t, s, "DBSIZE") == "0" {
				spy.Errorf("the master %s got none of a hundred keys", s.Addr())
			}
		}

		size := cli(t, nodes[0], "DBSIZE")
		cli(t, nodes[0], "WAIT", "1", "5000")
		nodes[0].Kill()
		eventually(t, func() error { return nodes[3].want(t.Context(), "role:master", "INFO", "replication") })
		for _, s := range nodes[1:] {
			eventually(t, func() error { return s.want(t.Context(), "cluster_state:ok", "CLUSTER", "INFO") })
		}
		if got := cli(t, nodes[3], "DBSIZE"); got != size {
			spy.Errorf("keys of the promoted replica: got %s, want %s", got, size)
		}

		if err := nodes[0].Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		want := fmt.Sprintf("master_port:%d", nodes[3].Port)
		eventually(t, func() error { return nodes[0].want(t.Context(), want, "INFO", "replication") })
	}).want(t, false)
	wantGone(t, nodes...)
}
