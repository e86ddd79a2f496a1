package adaptertest_test

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	session "github.com/gostateful/session/core"
)

// A fault is what an adapter does wrong. The empty fault is none.
type fault string

// passes reports whether the adapter misses this way to begin the response.
func (f fault) passes(way string) bool {
	return f == fault("passes "+way+" by") || f == "commits after the body"
}

func (f fault) buffers() bool { return f == "buffers the response" }

// sendBuffered sends what a writer that buffers has kept.
func (w *writer) sendBuffered() {
	if w.status > 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	if len(w.buffer) > 0 {
		w.ResponseWriter.Write(w.buffer)
	}
}

func (f fault) context(r *http.Request) context.Context {
	if f == "hides the context of the request" {
		return context.Background()
	}
	return r.Context()
}

// onConn is the state that a faulty adapter keeps for a client's connection or
// cookie.
var onConn sync.Map

// lines returns the header lines with the token, as the adapter passes them on.
func (f fault) lines(r *http.Request, manager session.AnyManager) []string {
	lines := r.Header[session.RequestHeader(manager)]
	switch f {
	case "reads cookies alone":
		return r.Header["Cookie"]
	case "reads only the first line of cookies":
		return lines[:min(1, len(lines))]
	case "parses and formats the cookies":
		return rewrite(r, func(c *http.Cookie) {})
	case "folds the case of names":
		return rewrite(r, func(c *http.Cookie) {
			if strings.EqualFold(c.Name, "__Host-session") {
				c.Name = "__Host-session"
			}
		})
	case "reads the first cookie of a name":
		if c, err := r.Cookie("__Host-session"); err == nil {
			return []string{c.Name + "=" + c.Value}
		}
		return nil
	case "reads the last cookie of a name":
		return rewrite(r, func(c *http.Cookie) {
			if all := r.CookiesNamed(c.Name); c.Value != all[len(all)-1].Value {
				c.Name = "earlier"
			}
		})
	case "keeps the cookies of the connection's first request":
		kept, _ := onConn.LoadOrStore(r.RemoteAddr, lines)
		return kept.([]string)
	}
	return lines
}

func rewrite(r *http.Request, change func(*http.Cookie)) (lines []string) {
	for _, c := range r.Cookies() {
		change(c)
		lines = append(lines, c.Name+"="+c.Value)
	}
	return lines
}

// toCommit calls Commit with the adapter's description of the response.
func (w *writer) toCommit(hijacked bool) (added session.Header, err error) {
	r := session.Response{Header: w.Header(), Hijacked: hijacked, Plain: plain(w.r), Host: w.r.Host}
	switch w.fault {
	case "does not tell Commit of plain http":
		r.Plain = false
	case "does not tell Commit of the host":
		r.Host = ""
	case "takes TLS for plain http":
		r.Plain = true
	case "does not tell Commit of the header":
		r.Header = nil
	case "tells Commit of an empty header":
		r.Header = http.Header{}
	case "tells Commit of the header before the handler":
		r.Header = w.outer
	case "tells Commit that every page is private":
		r.Header = http.Header{"Cache-Control": {"private"}}
	case "does not tell Commit of a Hijack":
		r.Hijacked = false
	case "commits on another goroutine":
		done := make(chan struct{})
		go func() { defer close(done); added, err = w.x.Commit(r) }()
		select {
		case <-done:
			return added, err
		case <-time.After(8 * time.Second): // longer than the suite waits
			return session.Header{}, http.ErrHandlerTimeout
		}
	}
	return w.x.Commit(r)
}

// plain reports whether a request came over plain http.
func plain(r *http.Request) bool {
	return r.TLS == nil && r.Header.Get("X-Forwarded-Proto") == "" && r.Header.Get("Forwarded") == ""
}

// report answers an error for the handler.
func (f fault) report(w http.ResponseWriter, err error, managed bool) {
	status := session.HTTPStatus(err)
	switch {
	case f == "shows the errors that handlers return":
		http.Error(w, err.Error(), status)
	case f == "answers the errors that handlers return by their status":
		http.Error(w, http.StatusText(status), status)
	case f == "tells stragglers to come again at once":
		w.Header().Set("Retry-After", "1")
		session.Error(w, err)
	case f == "takes the application's errors for its own" && managed:
		http.Error(w, "cannot keep your session", status)
	default:
		session.Error(w, err)
	}
}

// begun does what a faulty adapter does ahead of the handler.
func (f fault) begun(w *writer, manager session.AnyManager) {
	switch f {
	case "loads before the handler asks":
		get(manager, &w.x)
	case "loads twice":
		another := new(session.Exchange)
		another.Begin(w.r.Context(), manager, w.r.Header["Cookie"])
		get(manager, another)
	case "renews with every request":
		if s, err := get(manager, &w.x); err == nil {
			s.(interface{ Renew() error }).Renew()
		}
	case "starts afresh when the load fails":
		if _, err := get(manager, &w.x); err != nil {
			w.x = session.Exchange{}
			w.x.Begin(w.r.Context(), manager, nil)
		}
	}
}

// get calls the manager's Get, whatever its type.
func get(manager session.AnyManager, ctx context.Context) (any, error) {
	out := reflect.ValueOf(manager).MethodByName("Get").Call([]reflect.Value{reflect.ValueOf(ctx)})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// around returns the context that the handler gets.
func (f fault) around(w *writer, manager session.AnyManager) context.Context {
	switch f {
	case "makes an exchange for each Get", "keeps an exchange for a cookie", "answers for every manager", "knows one manager for each request":
		return faultyContext{&w.x, f, w, manager}
	}
	return &w.x
}

type faultyContext struct {
	context.Context
	fault
	w       *writer
	manager session.AnyManager
}

func (c faultyContext) Value(key any) any {
	ours := c.w.x.Key()
	isManager := reflect.TypeOf(key) == reflect.TypeOf(ours)
	switch {
	case c.fault == "makes an exchange for each Get" && key == ours:
		x := new(session.Exchange)
		x.Begin(c.Context, c.manager, c.w.r.Header["Cookie"])
		return x
	case c.fault == "keeps an exchange for a cookie" && key == ours && c.w.r.Header.Get("Cookie") != "":
		kept, _ := onConn.LoadOrStore(c.w.r.Header.Get("Cookie"), &c.w.x)
		return kept
	case c.fault == "answers for every manager" && isManager:
		return &c.w.x
	case c.fault == "knows one manager for each request" && isManager && key != ours:
		return nil
	}
	return c.Context.Value(key)
}

// restore makes the header of an error response what it was before the handler.
func (w *writer) restore(header http.Header) {
	switch w.fault {
	case "keeps the headers of the response that failed":
		return
	case "hides only a list of headers":
		for _, name := range []string{"Cache-Control", "Content-Encoding", "Content-Type", "Etag", "Location", "Set-Cookie"} {
			header.Del(name)
		}
		return
	case "drops the headers of those around":
		w.outer = nil
	case "keeps the handler's word for that of those around":
		maps.DeleteFunc(header, func(name string, _ []string) bool { return w.outer[name] == nil })
		return
	}
	clear(header)
	maps.Copy(header, w.outer)
}

var inFlight atomic.Int32

// busy counts the requests that are handled.
func (f fault) busy(*http.Request) func() {
	inFlight.Add(1)
	return func() { inFlight.Add(-1) }
}

func (f fault) others() bool { return inFlight.Load() > 1 }

// setCookies returns the lines that the adapter adds in place of the right
// ones.
func (w *writer) setCookies(lines []string) (spoiled []string) {
	switch {
	case w.fault == "adds one cookie" && len(lines) > 1:
		return lines[:1]
	case w.fault == "keeps one cookie of a name" && len(lines) > 1 && lines[0][:10] == lines[1][:10]:
		return lines[1:]
	case len(lines) == 0:
		lines = []string{""}
	}
	for _, line := range lines {
		if line = w.setCookie(line); line != "" {
			spoiled = append(spoiled, line)
		}
	}
	return spoiled
}

// setCookie returns one of them.
func (w *writer) setCookie(line string) string {
	old, err := w.r.Cookie("__Host-session")
	switch {
	case w.fault == "drops the cookie":
		return ""
	case w.fault == "keeps the cookie that the request has" && err == nil:
		return ""
	case w.fault == "drops Secure over plain http":
		return strings.Replace(line, "; Secure", "", 1)
	case w.fault == "removes the cookie without its attributes" && strings.Contains(line, "Max-Age=0"):
		return "__Host-session=; Max-Age=0"
	case w.fault == "sends the request's cookie again" && line == "" && err == nil:
		return old.Name + "=" + old.Value + "; Path=/; HttpOnly; Secure; SameSite=Lax"
	}
	return line
}

// spoil changes the header once the right fields are there.
func (w *writer) spoil(header http.Header, added session.Header) {
	switch {
	case w.fault == "adds the cookie twice" && len(added.SetCookie) > 0:
		header.Add("Set-Cookie", added.SetCookie[0])
	case w.fault == "sets Set-Cookie" && len(added.SetCookie) > 0:
		header.Set("Set-Cookie", added.SetCookie[0])
	case w.fault == "adds Cache-Control" && len(added.SetCookie) > 0:
		header["Cache-Control"] = []string{"public, max-age=3600", "no-store"}
	case w.fault == "forbids every cache":
		header.Set("Cache-Control", "no-store")
	case w.fault == "sets Vary" && added.Vary != "":
		header.Set("Vary", added.Vary)
	case w.fault == "adds Vary again" && added.Vary != "":
		header.Add("Vary", added.Vary)
	case w.fault == "adds Vary to every response":
		header.Set("Vary", "Cookie")
	}
}
