package attacks

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
)

// TestJunkFlood: junk reaches no store, and what looks like a token costs one load, on
// every adapter. Neither writes anything.
func TestJunkFlood(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w, dice := a.dial(), roll(t)
		junk, tokens := 0, 0
		for range tries(20, 2000) {
			token := unknown(dice)
			for _, value := range append(spoiled(token), token) {
				want := victims{}.ofCookies([]string{cookieName + "=" + value}).loads
				r := w.ask("GET", "/who", cookie(value))
				loads, writes, lists := a.store.calls()
				require.Equal(t, want, loads, "loads for %q", value)
				require.Zero(t, writes+lists, "calls for %q", value)
				require.Equal(t, 200, r.status, "%q", value)
				require.Empty(t, r.header["Set-Cookie"], "%q", value)
				if want == 0 {
					junk++
				} else {
					tokens++
				}
			}
		}
		t.Logf("%d requests with junk: no call of the store; %d with a token that nobody issued: one load each", junk, tokens)
		assert.NotZero(t, junk)
		assert.NotZero(t, tokens)
	})
}

// TestCookieFlood: a request with very many cookies costs three loads at most, and
// junk among them no memory.
func TestCookieFlood(t *testing.T) {
	a, dice := newApp(t), roll(t)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = cookieName + "=" + unknown(dice)
	}
	read := func(lines ...string) {
		x := a.visit(lines...)
		s, err := a.cookies.Get(x)
		require.NoError(t, err)
		require.Empty(t, who(s))
		x.Discard()
	}
	read(strings.Join(many, "; "))
	read(many...)
	loads, writes, _ := a.store.calls()
	assert.Equal(t, int64(6), loads, "loads of two requests with 10,000 tokens each")
	assert.Zero(t, writes)

	spoilt := spoiled(unknown(dice))
	for i := range many {
		many[i] = cookieName + "=" + spoilt[i%5] + "; " + pick(dice, lookAlikes) + "=" + unknown(dice)
	}
	line := strings.Join(many, "; ")
	none, flooded := testing.AllocsPerRun(100, func() { read("theme=dark") }), testing.AllocsPerRun(10, func() { read(line) })
	assert.Equal(t, none, flooded, "allocations of a request with one other cookie, and of one with 20,000 of junk")
	loads, writes, _ = a.store.calls()
	assert.Zero(t, loads+writes)
	t.Logf("20,000 cookies of junk, %d bytes: %v allocations, as many as with one other cookie", len(line), flooded)
}

// TestStrangers: strangers who come without a cookie leave nothing unless something is
// stored for them. Then they cost one write, and in memory what its README says.
func TestStrangers(t *testing.T) {
	const users, room = 100, 10_000
	store := memory.New(&memory.Options{MaxSessions: room})
	counts := &counted{Store: store}
	m, err := session.New[page](counts, &session.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	a := &app{t: t, store: counts, cookies: m}
	in := make([]session.ID, users)
	for i := range in {
		in[i] = a.loginBy(m, fmt.Sprint("user ", i))
	}
	come := func(n int, do func(s *session.Session[page]) error) (last session.ID) {
		for range n {
			x := a.visit()
			s, err := m.Get(x)
			require.NoError(t, err)
			require.NoError(t, do(s))
			_, err = x.Commit(session.Response{})
			require.NoError(t, err)
			require.NoError(t, x.Finish())
			last = s.ID()
		}
		return last
	}
	begin := func(s *session.Session[page]) error { return s.Update(func(p *page) error { p.N++; return nil }) }
	come(100, begin) // what the engine keeps for all is there by now
	counts.calls()

	before := heap()
	come(room, func(*session.Session[page]) error { return nil })
	loads, writes, lists := counts.calls()
	assert.Zero(t, loads+writes+lists, "calls for %d strangers who only look", room)
	looked := heap() - before

	const strangers = room - users - 100
	before = heap()
	last := come(strangers, begin)
	loads, writes, lists = counts.calls()
	assert.Equal(t, []int64{0, strangers, 0}, []int64{loads, writes, lists}, "loads, writes and lists for %d strangers", strangers)
	r, err := store.Load(t.Context(), last)
	require.NoError(t, err)
	each := (heap() - before) / strangers
	const beside = 170 + 25 // of the README, and how full the map is
	assert.LessOrEqual(t, each, int64(len(r.Data)+beside), "bytes for each")

	before = heap()
	come(tries(2, 100)*room, begin)
	grown := heap() - before
	assert.LessOrEqual(t, store.Len(), room)
	for i, id := range in {
		_, err := m.Find(t.Context(), id)
		require.NoError(t, err, "user %d after the flood", i)
	}
	assert.Less(t, grown, int64(room*32), "bytes that a full store has grown by")
	t.Logf("a stranger who looks: %d bytes in all for %d; one who is stored: %d, of which %d are data; %d more in a full store: %d bytes in all, and %d users are in",
		looked, room, each, len(r.Data), tries(2, 100)*room, grown, users)
	runtime.KeepAlive(store)
}

// heap is what is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestHotSession: a visitor whose own requests wait for each other in the store holds
// up nobody else, nor what they only read.
func TestHotSession(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		w := a.dial()
		hot := w.begin("hot")
		id := idOf(t, hot)
		arrived, released := make(chan struct{}, 1), make(chan struct{})
		release := sync.OnceFunc(func() { close(released) })
		t.Cleanup(release)
		a.store.holdUpdates(func(r session.Record) {
			if r.ID.String() == id {
				select {
				case arrived <- struct{}{}:
				default:
				}
				<-released
			}
		})
		writers := make([]*wire, tries(30, 300))
		for i := range writers {
			writers[i] = a.dial()
			writers[i].send(head("POST", "/count", cookie(hot)))
		}
		<-arrived

		n := 0
		do := func(who, method, target string, lines ...string) reply {
			t.Helper()
			n++
			r := w.ask(method, target, lines...)
			require.Equal(t, 200, r.status, "%s %s", method, target)
			require.Equal(t, who, r.who, "%s %s", method, target)
			return r
		}
		for i := range tries(10, 1000) {
			name := fmt.Sprint("other", i)
			do("", "GET", "/who")
			token := do("visitor "+name, "POST", "/begin?as="+name).token(t)
			do("visitor "+name, "POST", "/count", cookie(token))
			token = do("user "+name, "POST", "/login?as="+name, cookie(token)).token(t)
			do("user "+name, "POST", "/count", cookie(token))
			do("visitor hot", "GET", "/who", cookie(hot))
			do("", "POST", "/logout", cookie(token))
			do("", "GET", "/who", cookie(token))
		}
		assert.Zero(t, w.ask("GET", "/who", cookie(hot)).count, "what the writers have stored so far")
		release()
		for _, writer := range writers {
			require.Equal(t, 200, writer.receive("POST").status)
		}
		assert.Equal(t, len(writers), w.ask("GET", "/who", cookie(hot)).count, "what the writers have stored")
		t.Logf("%d requests of others were answered while %d of the hot session waited", n, len(writers))
	})
}
