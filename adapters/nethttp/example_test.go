package nethttp_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/adaptertest"
)

type Basket struct{ Items []string }

func ExampleMiddleware() {
	baskets, err := session.New[Basket](adaptertest.NewStore(), nil) // in a program: memory.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /add/{item}", func(w http.ResponseWriter, r *http.Request) {
		item := r.PathValue("item")
		s, err := baskets.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, item)
			return nil
		})
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintln(w, s.Data().Items)
	})
	server := httptest.NewServer(nethttp.Middleware(baskets, nil)(mux))
	defer server.Close()

	browse(server, "/add/bread", "/add/butter")
	// Output:
	// [bread]
	// [bread butter]
}

// An error handler answers when the session could not be written.
func ExampleMiddleware_errorHandler() {
	down := adaptertest.NewStore()
	down.Lose()
	baskets, err := session.New[Basket](down, nil)
	if err != nil {
		log.Fatal(err)
	}
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := baskets.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		err = s.Update(func(b *Basket) error {
			b.Items = append(b.Items, "bread")
			return nil
		})
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintln(w, "it is in your basket") // not sent
	})
	onError := func(w http.ResponseWriter, r *http.Request, err error) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(session.HTTPStatus(err))
		fmt.Fprintln(w, "Please try again in a minute.")
	}
	server := httptest.NewServer(nethttp.Middleware(baskets, &nethttp.Options{OnError: onError})(shop))
	defer server.Close()

	browse(server, "/")
	// Output:
	// 503 Service Unavailable: Please try again in a minute.
}

// A client that is not a browser has its token in a header. It gets the token
// with the response to its login.
func ExampleMiddleware_tokenHeader() {
	api, err := session.New[Basket](adaptertest.NewStore(), &session.Options{
		Header: session.TokenHeader{Name: "Authorization", Scheme: "Bearer"},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		s, err := api.Get(r.Context()) // whoever gives the right password
		if err != nil {
			session.Error(w, err)
			return
		}
		if err := s.Login("ann", nil); err != nil {
			session.Error(w, err)
		}
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		s, err := api.Get(r.Context())
		if err != nil {
			session.Error(w, err)
			return
		}
		fmt.Fprintf(w, "you are %q\n", s.Subject())
	})
	server := httptest.NewServer(nethttp.Middleware(api, nil)(mux))
	defer server.Close()

	token := ""
	for _, target := range []string{"POST /login", "GET /me"} {
		method, path, _ := strings.Cut(target, " ")
		r, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			log.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := server.Client().Do(r)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, resp.Body)
		resp.Body.Close()
		if issued, ok := resp.Header["Session-Token"]; ok {
			token = issued[0] // keep it; an empty one means that the session has ended
		}
	}
	// Output:
	// you are "ann"
}

// browse gets pages as a browser does, with its cookies.
func browse(server *httptest.Server, paths ...string) {
	client := server.Client()
	client.Jar, _ = cookiejar.New(nil)
	for _, path := range paths {
		resp, err := client.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			log.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			fmt.Print(resp.Status, ": ")
		}
		fmt.Print(string(body))
	}
}
