package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

// flags are those of the command.
type flags struct {
	set                           *flag.FlagSet
	addr, store, adapter, metrics string
	idle, device                  time.Duration
	insecure, debug               bool
}

func parse(args []string) (*flags, error) {
	f := &flags{set: flag.NewFlagSet("examples", flag.ContinueOnError)}
	f.set.StringVar(&f.addr, "addr", "localhost:8080", "address to listen on")
	f.set.StringVar(&f.store, "store", "memory", "where the sessions live: "+stores)
	f.set.StringVar(&f.adapter, "adapter", "nethttp", "HTTP framework: "+adapters)
	f.set.StringVar(&f.metrics, "metrics", "", "address to serve metrics on, for Prometheus, at /metrics")
	f.set.DurationVar(&f.idle, "idle", idleTimeout, "how long a session lasts without use; try 20s")
	f.set.DurationVar(&f.device, "device", 0, "bind sessions to the device of the browser, with a cookie that is good for so long; try 10s")
	f.set.BoolVar(&f.insecure, "insecure", false, "send the cookie without Secure, for Safari, which refuses it on http://localhost")
	f.set.BoolVar(&f.debug, "debug", false, "show what happens to the sessions")
	if err := f.set.Parse(args); err != nil {
		return nil, err
	}
	if f.set.NArg() > 0 {
		return nil, fmt.Errorf("unexpected %q; -help lists the flags", f.set.Arg(0))
	}
	return f, nil
}

// about names the store and the adapter, without the store's address, which may
// hold a password.
func (f *flags) about() string { return kind(f.store) + ", " + f.adapter }

// errLeftOut: the program was compiled without something that it can do, so that
// the first start need not wait for what it does not use.
var errLeftOut = errors.New("this program was compiled without it")

// tags compile stores and adapters, by the words of the flags.
var tags = map[string]string{
	"redis": "redis", "rediss": "redis", "postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite",
	"chi": "chi", "fiber": "fiber", "gin": "gin", "echo": "echo", "metrics": "otel",
}

// explain adds the command that compiles what was left out.
func (f *flags) explain(err error) error {
	if !errors.Is(err, errLeftOut) {
		return err
	}
	var needed, words []string
	parts := []string{kind(f.store), f.adapter}
	if f.metrics != "" {
		parts = append(parts, "metrics")
	}
	for _, word := range parts {
		if tag := tags[word]; tag != "" {
			needed = append(needed, tag)
		}
	}
	f.set.Visit(func(set *flag.Flag) {
		words = append(words, "-"+set.Name)
		switch set.Name {
		case "store":
			words = append(words, shownName(f.store))
		case "addr", "adapter", "metrics", "idle", "device":
			words = append(words, set.Value.String())
		}
	})
	return fmt.Errorf("%w. This has it:\n\tgo run -tags %s ./examples %s", err, strings.Join(needed, ","), strings.Join(words, " "))
}
