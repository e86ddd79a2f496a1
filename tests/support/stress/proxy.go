package stress

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A Proxy stands before a server and loses replies: the command arrives and is
// executed, and the client never hears of it. It is 60 lines where toxiproxy
// would take a toxic of our own and an HTTP server with it.
//
// It looks at bytes: a command has to arrive in one piece and without TLS, and
// has its connection for itself. It is safe for concurrent use.
type Proxy struct {
	t        testing.TB
	listener net.Listener
	server   string
	links    sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool
	hasty  map[string]net.Conn // clients that give up at once, by their address
	needle string              // in the command whose reply is to be lost; empty: none
	skip   int                 // so many of those before it
	mute   bool                // leave the client waiting, instead of closing the connection
	lost   int
}

// NewProxy stands before the server at an address, until the test ends.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{t: t, listener: l, server: addr, open: map[net.Conn]bool{}, hasty: map[string]net.Conn{}}
	p.links.Go(p.serve)
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.links.Wait()
	})
	return p
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if !assert.NoError(p.t, err) {
			return
		}
		p.mu.Lock()
		p.open[client], p.open[server] = true, true
		p.mu.Unlock()
		l := &link{p: p, client: client, server: server}
		p.links.Go(l.up)
		p.links.Go(l.down)
	}
}

// Lose has the reply to the next command lost that holds the needle, or, after
// so many, of the one after them. With mute the client is left waiting; else the
// connection is closed. No needle: none is lost any more.
func (p *Proxy) Lose(needle string, skip int, mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.needle, p.skip, p.mute, p.lost = needle, skip, mute, 0
}

// Losses is how many replies were lost since Lose.
func (p *Proxy) Losses() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// A link is a client's connection, and the proxy's own to the server.
type link struct {
	p              *Proxy
	client, server net.Conn
	loses          bool // guarded by p.mu
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	delete(l.p.open, l.client)
	delete(l.p.open, l.server)
}

func (l *link) up() {
	defer l.close()
	buf := make([]byte, 1<<20)
	for {
		n, err := l.client.Read(buf)
		if err != nil {
			return
		}
		l.p.mu.Lock()
		if l.p.needle != "" && bytes.Contains(buf[:n], []byte(l.p.needle)) {
			if l.p.skip--; l.p.skip < 0 {
				l.loses, l.p.needle = true, ""
			}
		}
		l.p.mu.Unlock()
		if _, err := l.server.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (l *link) down() {
	buf := make([]byte, 1<<20)
	for {
		n, err := l.server.Read(buf)
		if err != nil {
			l.close()
			return
		}
		l.p.mu.Lock()
		loses, mute := l.loses, l.p.mute
		if loses {
			l.p.lost++
		}
		hasty := l.p.hasty[l.client.RemoteAddr().String()]
		l.p.mu.Unlock()
		switch {
		case loses && mute:
			if hasty != nil {
				_ = hasty.SetReadDeadline(time.Unix(1, 0))
			}
			continue // until the client gives up, and closes
		case loses:
			l.close()
			return
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			l.close()
			return
		}
	}
}

// DialThrough returns a dialer that connects to the proxies in place of their
// servers.
func DialThrough(proxies ...*Proxy) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		for _, p := range proxies {
			if p.server == addr {
				addr = p.listener.Addr().String()
				break
			}
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// DialHastily is DialThrough for a client that gives up as soon as a proxy leaves it
// waiting, and not before, whatever deadlines it sets: no test has to find a time
// that is long even on a busy machine.
func DialHastily(proxies ...*Proxy) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := DialThrough(proxies...)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		for _, p := range proxies {
			p.mu.Lock()
			p.hasty[c.LocalAddr().String()] = c
			p.mu.Unlock()
		}
		return hasty{c}, nil
	}
}

// hasty is a connection whose reads have no deadline but that of the proxy.
type hasty struct{ net.Conn }

func (hasty) SetReadDeadline(time.Time) error { return nil }

func (h hasty) SetDeadline(t time.Time) error { return h.SetWriteDeadline(t) }
