package servers

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	var all []*Server
	run(func(spy *spy) {
		sentinels, master, replica := RedisSentinel(spy)
		all = append(sentinels, master, replica)
		if len(sentinels) != 3 {
			spy.Fatalf("got %d sentinels, want 3", len(sentinels))
		}
		told := func(s, want *Server) error {
			got := cli(spy, s, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelMaster)
			if got != "127.0.0.1\n"+strconv.Itoa(want.Port) {
				return fmt.Errorf("the sentinel %s tells the master %q, want %s", s.Addr(), got, want.Addr())
			}
			return nil
		}
		for _, s := range sentinels {
			if err := told(s, master); err != nil {
				spy.Errorf("%v", err)
			}
			if got := cli(spy, s, "SENTINEL", "CKQUORUM", SentinelMaster); !strings.HasPrefix(got, "OK 3 usable Sentinels") {
				spy.Errorf("SENTINEL CKQUORUM of %s: got %q, want three usable sentinels", s.Addr(), got)
			}
			if got := cli(spy, s, "SENTINEL", "REPLICAS", SentinelMaster); !strings.Contains(got, replica.Addr()) {
				spy.Errorf("SENTINEL REPLICAS of %s: got %q, want %s", s.Addr(), got, replica.Addr())
			}
		}

		cli(spy, master, "SET", "key", "value")
		eventually(spy, func() error { return replica.want(t.Context(), "value", "GET", "key") })
		master.Kill()
		for _, s := range sentinels {
			eventually(spy, func() error { return told(s, replica) })
		}
		if got := cli(spy, replica, "GET", "key"); got != "value" {
			spy.Errorf("GET on the new master: got %q, want value", got)
		}
		if got := cli(spy, replica, "SET", "key", "other"); got != "OK" {
			spy.Errorf("SET on the new master: got %q, want OK", got)
		}

		if err := master.Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		eventually(spy, func() error {
			return master.want(t.Context(), fmt.Sprintf("master_port:%d", replica.Port), "INFO", "replication")
		})
		sentinels[0].Kill()
		if err := sentinels[0].Start(); err != nil {
			spy.Fatalf("%v", err)
		}
		if err := told(sentinels[0], replica); err != nil {
			spy.Errorf("after its restart: %v", err)
		}
	}).want(t, false)
	wantGone(t, all...)
}
