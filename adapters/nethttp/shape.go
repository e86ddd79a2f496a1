package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A handler may test its writer for optional methods. So the wrapper has the
// optional methods of the inner writer, and no others. Each type below is one
// pointer, which costs no allocation.
//
// HTTP/1 can hijack the connection, and HTTP/2 cannot. HTTP/2 can push.
// io.ReaderFrom is for sendfile, which only HTTP/1 has, so it goes with Hijack. No
// server has a combination that is missing here, such as CloseNotify without
// Flush.
type (
	flusher  struct{ *exchange }
	notifier struct{ flusher }

	hijacker         struct{ *exchange }
	hijackerFlusher  struct{ flusher }
	hijackerNotifier struct{ notifier } // HTTP/1

	pusher         struct{ *exchange }
	pusherFlusher  struct{ flusher }
	pusherNotifier struct{ notifier } // HTTP/2
)

// closeNotifier is http.CloseNotifier, which is deprecated in favour of the
// request's context. Frameworks such as gin still assert it, and panic without it.
type closeNotifier interface{ CloseNotify() <-chan bool }

// wrap returns x with the optional methods of its inner writer.
func wrap(x *exchange) http.ResponseWriter {
	_, flushes := find[http.Flusher](x.inner)
	if !flushes { // http.ResponseController uses either method
		_, flushes = find[interface{ FlushError() error }](x.inner)
	}
	_, notifies := find[closeNotifier](x.inner)
	_, hijacks := find[http.Hijacker](x.inner)
	_, pushes := find[http.Pusher](x.inner)
	notifies = notifies && flushes
	switch {
	case hijacks && notifies:
		return hijackerNotifier{notifier{flusher{x}}}
	case hijacks && flushes:
		return hijackerFlusher{flusher{x}}
	case hijacks:
		return hijacker{x}
	case pushes && notifies:
		return pusherNotifier{notifier{flusher{x}}}
	case pushes && flushes:
		return pusherFlusher{flusher{x}}
	case pushes:
		return pusher{x}
	case notifies:
		return notifier{flusher{x}}
	case flushes:
		return flusher{x}
	}
	return x
}

// find looks for a method as http.ResponseController does.
func find[T any](w http.ResponseWriter) (T, bool) {
	for {
		if t, ok := w.(T); ok {
			return t, true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			var none T
			return none, false
		}
		w = u.Unwrap()
	}
}

func (w flusher) Flush()            { _ = w.flush() }
func (w flusher) FlushError() error { return w.flush() }

func (w notifier) CloseNotify() <-chan bool { return w.closeNotify() }

func (w hijacker) ReadFrom(r io.Reader) (int64, error)         { return w.readFrom(r) }
func (w hijackerFlusher) ReadFrom(r io.Reader) (int64, error)  { return w.readFrom(r) }
func (w hijackerNotifier) ReadFrom(r io.Reader) (int64, error) { return w.readFrom(r) }

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)         { return w.hijack() }
func (w hijackerFlusher) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return w.hijack() }
func (w hijackerNotifier) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w pusher) Push(target string, o *http.PushOptions) error         { return w.push(target, o) }
func (w pusherFlusher) Push(target string, o *http.PushOptions) error  { return w.push(target, o) }
func (w pusherNotifier) Push(target string, o *http.PushOptions) error { return w.push(target, o) }
