// Command examples serves a small site that shows what this library does: a shop,
// a login, "your devices", an administrator's page, and a page of proofs. From the
// root of the repository:
//
//	go run ./examples
//
// Flags choose the store and the HTTP framework. What the site does with a session
// is in files of their own, once for all of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	session "github.com/gostateful/session/core"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	switch err := run(ctx, os.Args[1:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp): // the usage has been printed
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx is done, then lets the requests that run finish, and closes
// the store.
func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	f, err := parse(args)
	if err != nil {
		return err
	}
	seen := &events{}
	opts := newOptions(seen)
	opts.IdleTimeout, opts.Cookie.Insecure = f.idle, f.insecure
	if f.device != 0 {
		opts.Device = session.Device{Path: devicePath, Interval: f.device}
		opts.StragglerWindow = min(f.device, time.Minute) // so that one can wait for a copy of the cookie to end
	}
	if f.debug {
		opts.Logger = slog.New(slog.NewTextHandler(stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	opened, err := openStore(ctx, f.store)
	if err != nil {
		return f.explain(err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	var measured telemetry
	if f.metrics != "" {
		t, server, err := openMetrics(f.metrics)
		if err != nil {
			return f.explain(err)
		}
		defer server.Close()
		measured, opts.Observer = t, both(seen.add, t.Observe)
	}
	s, err := newSite(ctx, opened, opts, seen, measured)
	if err != nil {
		return err
	}
	s.closing, s.about = ctx, f.about()
	srv, err := newAdapter(f.adapter, s)
	if err != nil {
		return f.explain(err)
	}
	listener, err := listen("addr", f.addr)
	if err != nil {
		return err
	}
	s.address = "http://" + reachable(f.addr, listener.Addr())
	fmt.Fprintf(stdout, "Open %s (%s; Ctrl-C ends it)\n", s.address, s.about)
	return serve(ctx, srv, listener, stdout)
}

// newSite makes the site on a store, which measured, unless nil, measures.
func newSite(ctx context.Context, opened *backend, opts *session.Options, seen *events, measured telemetry) (*site, error) {
	s := &site{store: &switched{fullStore: opened.store}, events: seen, binds: opts.Device.Path != "", closing: ctx}
	store := session.Store(s.store)
	if measured != nil {
		store = measured.Store(store)
	}
	var err error
	if s.sessions, err = session.New[visitor](store, opts); err != nil {
		return nil, err
	}
	if opened.users != nil {
		s.users, err = opened.users(ctx, opts)
	} else {
		s.users, err = newMemoryUsers(s.sessions)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot keep the users: %w", err)
	}
	return s, nil
}

// A server is what an adapter makes of the site.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

const adapters = "nethttp, chi, fiber, gin, echo"

// newAdapter serves the site with the framework that the flag names.
func newAdapter(name string, s *site) (server, error) {
	switch name {
	case "nethttp":
		return netHTTP(s), nil
	case "chi":
		return onChi(s)
	case "echo":
		return onEcho(s)
	case "fiber":
		return onFiber(s)
	case "gin":
		return onGin(s)
	}
	return nil, fmt.Errorf("there is no adapter %q; -adapter takes: %s", name, adapters)
}

// serve serves until ctx is done and the requests that run are answered.
func serve(ctx context.Context, srv server, listener net.Listener, stdout io.Writer) error {
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(stdout, "Finishing the requests that run")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return srv.Shutdown(patience)
}

// listen listens on the address that a flag gives.
func listen(flag, addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program; choose another address: -%s localhost:8081", addr, flag)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on -%s %s: %w", flag, addr, err)
	}
	return listener, nil
}

// reachable is the address to open in a browser: the host as it was given,
// since the cookie belongs to it, and the port as the system chose it.
func reachable(asked string, listening net.Addr) string {
	host, _, _ := net.SplitHostPort(asked)
	_, port, _ := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// kind is the name of a store without its address, which may hold a password.
func kind(store string) string {
	kind, _, _ := strings.Cut(store, ":")
	return kind
}
