package attacks

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/gostateful/session/tests/support/stress"
)

// A duplex is a connection over which HTTP/2 goes frame by frame, many requests at
// once. It is made anew when the server has closed it.
type duplex struct {
	t       testing.TB
	addr    string
	conn    net.Conn
	framer  *http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer // that the encoder writes to
	next    uint32       // stream
	answers map[uint32]*answered
	pongs   int
}

// An answered stream is one that the server has said something on.
type answered struct {
	reply
	whole bool
}

// largest is how many bytes a frame holds at most (RFC 9113, section 4.2).
const largest = 1 << 14

func (d *duplex) close() {
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
}

// dial connects, unless that is done. Whatever is written may come too late for a
// server that has closed the connection: what is read then tells.
func (d *duplex) dial() {
	d.t.Helper()
	if d.conn == nil {
		conn, err := tls.Dial("tcp", d.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		require.NoError(d.t, err)
		require.Equal(d.t, "h2", conn.ConnectionState().NegotiatedProtocol)
		_, err = conn.Write([]byte(http2.ClientPreface))
		require.NoError(d.t, err)
		d.conn, d.framer, d.next, d.answers = conn, http2.NewFramer(conn, conn), 1, map[uint32]*answered{}
		d.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		d.block.Reset()
		d.encoder = hpack.NewEncoder(&d.block)
		require.NoError(d.t, d.framer.WriteSettings())
	}
	require.NoError(d.t, d.conn.SetDeadline(time.Now().Add(stress.Patience)))
}

// fields are those of a request with header lines.
func fields(method, target string, lines ...string) []hpack.HeaderField {
	all := pairs(":method", method, ":scheme", "https", ":authority", host, ":path", target)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		all = append(all, pairs(strings.ToLower(name), value)...)
	}
	return all
}

// pairs are fields: names and values in turn.
func pairs(of ...string) (all []hpack.HeaderField) {
	for i := 0; i < len(of); i += 2 {
		all = append(all, hpack.HeaderField{Name: of[i], Value: of[i+1]})
	}
	return all
}

// ask sends a request of these fields, and returns the answer.
func (d *duplex) ask(of []hpack.HeaderField) reply {
	d.t.Helper()
	return d.receive(d.begin(of, largest))
}

// begin sends a request of these fields, in frames of so many bytes, and returns its
// stream.
func (d *duplex) begin(of []hpack.HeaderField, size int) (stream uint32) {
	d.t.Helper()
	stream = d.open()
	d.headers(stream, of, size, true)
	return stream
}

// open returns a stream on which nothing is sent yet.
func (d *duplex) open() (stream uint32) {
	d.t.Helper()
	d.dial()
	d.next += 2
	return d.next - 2
}

// headers sends fields, with which a request may end.
func (d *duplex) headers(stream uint32, of []hpack.HeaderField, size int, ends bool) {
	d.t.Helper()
	d.block.Reset()
	for _, field := range of {
		require.NoError(d.t, d.encoder.WriteField(field))
	}
	block := d.block.Bytes()
	first, rest := block[:min(size, len(block))], block[min(size, len(block)):]
	_ = d.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: ends, EndHeaders: len(rest) == 0})
	for len(rest) > 0 {
		n := min(size, len(rest))
		_ = d.framer.WriteContinuation(stream, n == len(rest), rest[:n])
		rest = rest[n:]
	}
}

// cancel takes back a request, and waits until the server has read that.
func (d *duplex) cancel(stream uint32) {
	d.t.Helper()
	require.NoError(d.t, d.framer.WriteRSTStream(stream, http2.ErrCodeCancel))
	require.NoError(d.t, d.framer.WritePing(false, [8]byte{}))
	for pongs := d.pongs; d.pongs == pongs; {
		require.True(d.t, d.read(), "the server has closed the connection")
	}
}

// receive reads until a stream is answered. What comes on others is kept for them.
func (d *duplex) receive(stream uint32) reply {
	d.t.Helper()
	for d.answers[stream] == nil || !d.answers[stream].whole {
		if !d.read() {
			return reply{last: true}
		}
	}
	defer delete(d.answers, stream)
	return d.answers[stream].reply
}

// read reads a frame, and reports whether the connection goes on.
func (d *duplex) read() bool {
	d.t.Helper()
	if d.conn == nil {
		return false
	}
	frame, err := d.framer.ReadFrame()
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		d.t.Fatalf("no answer for %v", stress.Patience)
	}
	if _, over := frame.(*http2.GoAwayFrame); over || err != nil {
		d.close()
		return false
	}
	answer := d.answers[frame.Header().StreamID]
	if answer == nil {
		answer = new(answered)
		d.answers[frame.Header().StreamID] = answer
	}
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if !frame.IsAck() {
			_ = d.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		d.pongs++
	case *http2.MetaHeadersFrame:
		answer.whole = frame.StreamEnded()
		answer.status, err = strconv.Atoi(frame.PseudoValue("status"))
		require.NoError(d.t, err)
		answer.header = http.Header{}
		for _, field := range frame.RegularFields() {
			answer.header.Add(field.Name, field.Value)
		}
		answer.read()
	case *http2.DataFrame:
		answer.whole = frame.StreamEnded()
		answer.body += string(frame.Data())
		if n := uint32(len(frame.Data())); n > 0 {
			_ = d.framer.WriteWindowUpdate(0, n)
		}
	case *http2.RSTStreamFrame:
		answer.whole, answer.reset = true, true
	}
	return true
}
