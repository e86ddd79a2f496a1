// Command examples serves a small shop: a visit counter, a cart, log in and
// out. From the root of the repository:
//
//	go run ./examples
//
// Flags choose the store and the HTTP framework. What the shop does with a
// session is in shop.go, once for all of them.
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

const adapters = "nethttp, chi, fiber"

// A server is what an adapter makes of the shop.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// newServer serves the shop with the framework that the flag names.
func newServer(name string, s *shop) (server, error) {
	switch name {
	case "nethttp":
		return netHTTP(s), nil
	case "chi":
		return onChi(s), nil
	case "fiber":
		return onFiber(s), nil
	}
	return nil, fmt.Errorf("there is no adapter %q; -adapter takes: %s", name, adapters)
}

// run serves until ctx is done, then lets the requests that run finish, and closes
// the store.
func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet("examples", flag.ContinueOnError)
	addr := flags.String("addr", "localhost:8080", "address to listen on")
	storeName := flags.String("store", "memory", "where the sessions live: "+stores)
	adapterName := flags.String("adapter", "nethttp", "HTTP framework: "+adapters)
	insecure := flags.Bool("insecure", false, "send the cookie without Secure, for Safari, which refuses it on http://localhost")
	debug := flags.Bool("debug", false, "show what happens to the sessions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected %q; -help lists the flags", flags.Arg(0))
	}

	opts := &session.Options{Cookie: session.Cookie{Insecure: *insecure}}
	if *debug {
		opts.Logger = slog.New(slog.NewTextHandler(stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	store, opened, err := openStore(ctx, *storeName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	sessions, err := session.New[visitor](store, opts)
	if err != nil {
		return err
	}
	srv, err := newServer(*adapterName, &shop{sessions})
	if err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another address: -addr localhost:8081", *addr)
	}
	if err != nil {
		return fmt.Errorf("cannot listen on -addr %s: %w", *addr, err)
	}
	fmt.Fprintf(stdout, "Open http://%s (%s, %s; Ctrl-C ends it)\n", reachable(*addr, listener.Addr()), kind(*storeName), *adapterName)

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

// kind is the name of a store without its address, which may hold a password.
func kind(store string) string {
	kind, _, _ := strings.Cut(store, ":")
	return kind
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
