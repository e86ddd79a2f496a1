package bench

import (
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/boj/redistore"
	"github.com/redis/go-redis/v9"

	sessionredis "github.com/gostateful/session/redis"
)

// onRedis are the libraries, each with its store for Redis, on one server that
// runs until the test ends.
func onRedis(tb testing.TB) []library {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: startRedis(tb), ContextTimeoutEnabled: true})
	tb.Cleanup(func() { _ = client.Close() })
	return []library{
		{"session", func(tb testing.TB, pause func()) routes {
			return oursOn(tb, sessionredis.New(client, nil), pause)
		}},
		{"scs", func(tb testing.TB, pause func()) routes { return scsOn(tb, goredisstore.New(client), pause) }},
		{"gorilla", func(tb testing.TB, pause func()) routes {
			store, err := redistore.NewRediStore(10, "tcp", client.Options().Addr, "", "", gorillaKey)
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { _ = store.Close() })
			return gorillaOn(tb, store, pause)
		}},
	}
}

func startRedis(tb testing.TB) (addr string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	server := exec.Command("redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "")
	if err := server.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
			return addr
		}
		if time.Since(start) > 10*time.Second {
			tb.Fatal(err)
		}
	}
}

// BenchmarkRedis: a request that reads a cart of ten items or changes one, with
// its session in Redis on this machine.
func BenchmarkRedis(b *testing.B) {
	libraries := onRedis(b)
	for _, path := range []string{"/read", "/update"} {
		for _, l := range libraries {
			b.Run(path[1:]+"/"+l.name, func(b *testing.B) {
				visit := visits(b, l.routes(b, nil), path)
				b.ReportAllocs()
				for b.Loop() {
					visit()
				}
			})
		}
	}
}

// TestRedis sees that each library does on Redis what is measured.
func TestRedis(t *testing.T) {
	for _, l := range onRedis(t) {
		t.Run(l.name, func(t *testing.T) {
			for _, path := range []string{"/read", "/update"} {
				visits(t, l.routes(t, nil), path)()
			}
		})
	}
}
