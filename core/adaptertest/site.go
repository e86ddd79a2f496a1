package adaptertest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
)

// visit is the data of the suite's sessions.
type visit struct {
	N int `json:"n"`
}

// cookieName is the cookie name of a manager with the default options.
const cookieName = "__Host-session"

// patience bounds each wait for something that a correct adapter does at once,
// on a machine that may be busy. Only the suite's own tests change it, because
// they wait for what a faulty adapter never does.
var patience = 2 * time.Minute

// A site is a server of the adapter under test, with a manager and its store.
type site struct {
	*session.Manager[visit]
	t        *testing.T
	store    *Store
	gate     *gate
	routes   routes
	header   map[string]string // set by an outer middleware
	tls      *tls.Config       // for a server over TLS; else nil
	url      string
	inHeader bool // its clients have their token in a header
}

// routes are the pages that a law adds to those of every site, by path.
type routes map[string]func(si *site, r Request)

func open(t *testing.T, on setup, opts *session.Options, routes routes) *site {
	t.Helper()
	si := newSite(t, on, opts, routes)
	si.serve(on.start, asItIs, si.Manager)
	return si
}

// asItIs is the Context of a Server without an outer middleware.
func asItIs(ctx context.Context) context.Context { return ctx }

// newSite makes a site that is not served yet.
func newSite(t *testing.T, on setup, opts *session.Options, routes routes) *site {
	t.Helper()
	st := newStore(on.newStore(t))
	st.noting = true
	if on.header {
		o := session.Options{}
		if opts != nil {
			o = *opts
		}
		o.Header, opts = tokenHeader, &o
	}
	si := newSiteOver(t, st, opts, routes)
	si.inHeader = on.header
	return si
}

// newSiteOver makes a site over the store of another one.
func newSiteOver(t *testing.T, st *Store, opts *session.Options, routes routes) *site {
	t.Helper()
	m, err := session.New[visit](st, opts)
	if err != nil {
		t.Fatal(err)
	}
	return &site{Manager: m, t: t, store: st, gate: newGate(), routes: routes}
}

func (si *site) serve(start Start, around func(context.Context) context.Context, managers ...session.AnyManager) {
	si.t.Helper()
	si.url = start(si.t, Server{Handler: si.handle, Managers: managers, Context: around, Header: si.header, TLS: si.tls})
	si.t.Cleanup(si.gate.open) // before the server ends, because that waits for the handlers
}

// handle does what the path names, and answers with the state of the session.
func (si *site) handle(r Request) {
	path, _, _ := strings.Cut(r.Target, "?")
	if route := si.routes[path]; route != nil {
		route(si, r)
		return
	}
	s := si.session(r)
	if s == nil {
		return
	}
	var err error
	switch path {
	case "/read":
	case "/count":
		err = s.Update(count)
	case "/login":
		err = s.Login("alice", nil)
	case "/logout":
		err = s.Destroy()
	default:
		si.t.Errorf("the handler saw the target %q, which nobody asked for", r.Target)
	}
	if err != nil {
		refuse(r, err)
		return
	}
	r.Respond(200, state(s))
}

// session returns the session of a request, or answers the error and returns nil.
func (si *site) session(r Request) *session.Session[visit] {
	s, err := si.Get(r.Context)
	if err != nil {
		refuse(r, err)
		return nil
	}
	return s
}

// incremented changes the session of a request, or answers the error.
func (si *site) incremented(r Request) *session.Session[visit] {
	s := si.session(r)
	if s == nil {
		return nil
	}
	if err := s.Update(count); err != nil {
		refuse(r, err)
		return nil
	}
	return s
}

func count(v *visit) error {
	v.N++
	return nil
}

func refuse(r Request, err error) { r.Respond(session.HTTPStatus(err), err.Error()) }

// state returns "new", or the count and who is logged in.
func state(s *session.Session[visit]) string {
	if s.IsNew() && s.Data().N == 0 && s.Subject() == "" {
		return "new"
	}
	return strings.TrimSpace(fmt.Sprint(s.Data().N, " ", s.Subject()))
}

// query returns what follows the question mark.
func (r Request) query() string {
	_, query, _ := strings.Cut(r.Target, "?")
	decoded, err := url.QueryUnescape(query)
	if err != nil {
		return query
	}
	return decoded
}

// respond begins the response in one of the ways that ways names.
func (r Request) respond(way, body string) {
	switch way {
	case "Respond":
		r.Respond(200, body)
	case "Implicit":
		// An empty response, with status 200.
	default:
		r.Ways[way](body)
	}
}

// features are what the framework can do.
type features struct {
	ways                               []string // without "Implicit", which has no body
	streams, informs, takesOver, fails bool
}

func featuresOf(t *testing.T, on setup) (f features) {
	t.Helper()
	si := open(t, on, nil, routes{"/": func(_ *site, r Request) {
		f = features{
			ways:    []string{"Respond"},
			streams: r.Stream != nil, informs: r.Inform != nil, takesOver: r.TakeOver != nil, fails: r.Fail != nil,
		}
		for way := range r.Ways {
			f.ways = append(f.ways, way)
		}
		slices.Sort(f.ways)
		r.Respond(200, "")
	}})
	si.visitor().get("/")
	return f
}

// A gate holds requests until the law lets them go on.
type gate struct {
	arrived chan struct{}
	opened  chan struct{}
	once    sync.Once
}

func newGate() *gate {
	return &gate{arrived: make(chan struct{}, 1000), opened: make(chan struct{})}
}

// pass holds the handler that calls it, until the gate opens.
func (g *gate) pass() {
	g.arrived <- struct{}{}
	<-g.opened
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

// await waits until n requests have come to the gate.
func (g *gate) await(t *testing.T, n int) {
	t.Helper()
	late := time.After(patience)
	for range n {
		select {
		case <-g.arrived:
		case <-late:
			t.Fatalf("a handler was not reached within %v", patience)
		}
	}
}

// receive waits for what a handler sends.
func receive[V any](t *testing.T, from <-chan V) V {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("a handler did not end within %v", patience)
	}
	panic("unreachable")
}

// eventually waits for a condition.
func eventually(condition func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if condition() {
			return true
		}
	}
	return condition()
}
