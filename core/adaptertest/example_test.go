package adaptertest_test

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

// Middleware is the adapter of this example. It buffers each response, which
// makes it small: the commit is over before the first byte.
func Middleware(manager session.AnyManager, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var x session.Exchange
		if !x.Begin(r.Context(), manager, r.Header[session.RequestHeader(manager)]) {
			next.ServeHTTP(w, r)
			return
		}
		x.Heed(r.Header)
		defer x.Discard() // after a panic; else it is over by then

		response := httptest.NewRecorder()
		next.ServeHTTP(response, r.WithContext(&x))
		added, err := x.Commit(session.Response{
			Plain: r.TLS == nil && r.Header.Get("X-Forwarded-Proto") == "" && r.Header.Get("Forwarded") == "", Host: r.Host,
		})
		_ = x.Finish() // nothing came after Commit
		header := w.Header()
		if err != nil {
			added.AddTo(header)
			http.Error(w, "try again later", session.HTTPStatus(err))
			return
		}
		for name, values := range response.Header() {
			header[name] = append(header[name], values...)
		}
		added.AddTo(header)
		w.WriteHeader(response.Code)
		response.Body.WriteTo(w)
	})
}

// serve starts a server with the adapter in it.
func serve(t *testing.T, s adaptertest.Server) (url string) {
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Handler(adaptertest.Request{
			Context: r.Context(),
			Target:  r.URL.RequestURI(),
			Header:  w.Header().Set,
			Respond: func(status int, body string) {
				w.WriteHeader(status)
				io.WriteString(w, body)
			},
			Ways: map[string]func(body string){
				"Write": func(body string) { io.WriteString(w, body) },
			},
		})
	})
	for i := len(s.Managers) - 1; i >= 0; i-- { // the first is the outermost
		handler = Middleware(s.Managers[i], handler)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.Header {
			w.Header().Set(name, value)
		}
		handler.ServeHTTP(w, r.WithContext(s.Context(r.Context())))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the suite's handlers panic
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// An adapter's test is one line.
func Example() {
	TestMiddleware := func(t *testing.T) { adaptertest.Run(t, serve) }
	fmt.Println(passes(TestMiddleware))
	// Output: true
}

// passes runs a test inside the example, without the lines of go test -v.
func passes(test func(*testing.T)) bool {
	defer flag.Set("test.v", flag.Lookup("test.v").Value.String())
	flag.Set("test.v", "false")
	all := func(pattern, name string) (bool, error) { return true, nil }
	return testing.RunTests(all, []testing.InternalTest{{Name: "TestMiddleware", F: test}})
}
