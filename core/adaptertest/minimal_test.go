package adaptertest_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// start serves with an adapter to net/http that is as small as the laws allow.
// A fault, by its name in the table of faults, makes it break one.
func (f fault) start(t *testing.T, s adaptertest.Server) string {
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, failure := request(w, r), error(nil)
		req.Fail = func(err error) { failure = err }
		s.Handler(req)
		if failure != nil {
			f.report(w, failure, len(s.Managers) > 0)
		}
	})
	for _, manager := range slices.Backward(s.Managers) {
		handler = f.middleware(handler, manager)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.Header {
			if f != "is started without Server.Header" {
				w.Header().Set(name, value)
			}
		}
		handler.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the suite's handlers panic
	if server.TLS = s.TLS; s.TLS != nil {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

// request converts a request of net/http to the suite's Request.
func request(w http.ResponseWriter, r *http.Request) adaptertest.Request {
	return adaptertest.Request{
		Context: r.Context(),
		Target:  r.URL.RequestURI(),
		Header:  w.Header().Set,
		Respond: func(status int, body string) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		},
		Ways: map[string]func(string){
			"Write":       func(body string) { io.WriteString(w, body) },
			"WriteHeader": func(body string) { w.WriteHeader(200); io.WriteString(w, body) },
			"Flush":       func(body string) { w.(http.Flusher).Flush(); io.WriteString(w, body) },
			"ResponseController.Flush": func(body string) {
				if http.NewResponseController(w).Flush() == nil {
					io.WriteString(w, body)
				}
			},
			"ReadFrom": func(body string) { w.(io.ReaderFrom).ReadFrom(strings.NewReader(body)) },
			"Hijack": func(body string) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n")
				w.Header().Write(conn)
				fmt.Fprintf(conn, "\r\n%s", body)
			},
		},
		TakeOver: func(body string) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", body)
		},
		Stream: func(parts func(func(string) error)) {
			parts(func(part string) error {
				if _, err := io.WriteString(w, part); err != nil {
					return err
				}
				return http.NewResponseController(w).Flush()
			})
		},
		Inform: w.WriteHeader,
	}
}

func (f fault) middleware(next http.Handler, manager session.AnyManager) http.Handler {
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		defer f.busy(r)()
		w := &writer{ResponseWriter: inner, fault: f, r: r, outer: inner.Header().Clone()}
		first := w.x.Begin(f.context(r), manager, f.lines(r, manager))
		if !first && f != "is there twice" {
			next.ServeHTTP(inner, r)
			return
		}
		if f != "does not tell of refreshes that were skipped" {
			w.x.Heed(r.Header)
		}
		f.begun(w, manager)
		returned := false
		defer func() {
			switch {
			case returned:
			case f == "swallows a panic":
				recover()
			case f == "answers a failure when the handler returns" && w.err != nil:
				recover() // as the server of this adapter would
			case f == "commits on a panic":
				w.commit(false)
			case f == "finishes on a panic":
				w.x.Finish()
			default:
				w.x.Discard()
			}
		}()
		next.ServeHTTP(w, r.WithContext(f.around(w, manager)))
		returned = true
		if f == "answers a failure when the handler returns" && w.err != nil {
			w.answer(w.added, w.err)
		}
		if f != "forgets the implicit response" {
			w.commit(false)
		}
		w.sendBuffered()
		if f == "never finishes" {
			return
		}
		if err := w.x.Finish(); err != nil && f != "ignores the error of Finish" {
			panic(http.ErrAbortHandler)
		}
	})
}

// A writer commits before each way to begin the response.
type writer struct {
	http.ResponseWriter
	fault
	r         *http.Request
	x         session.Exchange
	outer     http.Header
	committed bool
	added     session.Header
	err       error
	status    int // buffered, like buffer
	buffer    []byte
}

func (w *writer) commit(hijacked bool) error {
	if w.committed {
		return w.err
	}
	w.committed = true
	if w.fault == "forgets a client that left" && w.r.Context().Err() != nil || w.fault == "drops the commit when others are busy" && w.others() {
		w.x.Discard()
		return nil
	}
	added, err := w.toCommit(hijacked)
	w.added = added
	if err != nil {
		if w.fault == "ignores the error of Commit" {
			return nil
		}
		w.err = err
		if w.fault != "answers a failure when the handler returns" {
			w.answer(added, err)
		}
		return err
	}
	w.add(added)
	return nil
}

// answer replaces the handler's response.
func (w *writer) answer(added session.Header, err error) {
	header, status := w.Header(), session.HTTPStatus(err)
	text := http.StatusText(status)
	w.restore(header)
	switch w.fault {
	case "lets a failure be cached":
		added.CacheControl = ""
	case "answers a failure for every visitor":
		added.Vary = ""
	case "does not say when to come again":
		added.RetryAfter = ""
	case "tells the client of the error":
		text = err.Error()
	}
	added.AddTo(header)
	if w.fault == "answers a failure with 200" {
		status = 200
	}
	if w.fault == "clears the cookie on an error" {
		header.Set("Set-Cookie", "__Host-session=; Path=/; Secure; Max-Age=0")
	}
	w.ResponseWriter.WriteHeader(status)
	io.WriteString(w.ResponseWriter, text)
}

// add adds to the response what Commit returned.
func (w *writer) add(added session.Header) {
	header := w.Header()
	added.SetCookie = w.setCookies(added.SetCookie)
	if w.fault == "asks no browser for its device" {
		added.Registration = ""
	}
	if w.fault == "does not say when to come again" {
		added.RetryAfter = ""
	}
	if w.fault == "drops the token's header" {
		added.TokenHeader = ""
	}
	added.AddTo(header)
	w.spoil(header, added)
}

func (w *writer) WriteHeader(status int) {
	if status < 200 && w.fault != "takes 103 for the response" {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.passes("WriteHeader") || w.commit(false) == nil {
		if w.buffers() {
			w.status = status
			return
		}
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.passes("Write") {
		if err := w.commit(false); err != nil {
			return 0, err
		}
	}
	if w.buffers() {
		w.buffer = append(w.buffer, b...)
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *writer) Flush() {
	if w.passes("Flush") || w.commit(false) == nil {
		w.flush()
	}
}

func (w *writer) FlushError() error {
	if !w.passes("ResponseController.Flush") {
		if err := w.commit(false); err != nil {
			return err
		}
	}
	return w.flush()
}

func (w *writer) flush() error {
	if w.buffers() {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.passes("ReadFrom") {
		if err := w.commit(false); err != nil {
			return 0, err
		}
	}
	return io.Copy(w.ResponseWriter, r)
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.passes("Hijack") {
		if err := w.commit(true); err != nil {
			return nil, nil, err
		}
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
