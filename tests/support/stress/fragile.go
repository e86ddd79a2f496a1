package stress

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
)

// DialFragile connects as a net.Dialer does. One in twenty reads and writes of
// the connection breaks it: before a command has left, or when its reply is due.
func DialFragile(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return fragile{c}, nil
}

type fragile struct{ net.Conn }

const breaks = 20 // one call of so many

func (c fragile) Write(b []byte) (int, error) {
	if rand.N(breaks) == 0 {
		return 0, errors.Join(errors.New("broken before the command has left"), c.Close())
	}
	return c.Conn.Write(b)
}

func (c fragile) Read(b []byte) (int, error) {
	if rand.N(breaks) == 0 {
		return 0, errors.Join(errors.New("broken before the reply"), c.Close())
	}
	return c.Conn.Read(b)
}
