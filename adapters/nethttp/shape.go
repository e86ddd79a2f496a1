package nethttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// A handler may test its writer for optional methods, so the wrapper has those
// that the inner writer has, and no others. Each type below is one pointer,
// which costs no allocation. An HTTP/1 connection can be hijacked and an HTTP/2
// stream cannot; HTTP/2 can push; io.ReaderFrom is for sendfile, which only a
// connection of one's own has, so it goes with Hijack. What is not here, such
// as CloseNotify without Flush, is no server's.
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
// request's context. Frameworks such as gin still assert it, and panic without.
type closeNotifier interface{ CloseNotify() <-chan bool }

func wrap(x *exchange) http.ResponseWriter {
	_, flushes := find[http.Flusher](x.inner)
	if !flushes { // http.ResponseController takes either
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
