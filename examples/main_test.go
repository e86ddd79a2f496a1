package main

import (
	"io"
	"net"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"port in use", []string{"-addr", taken.Addr().String()}, "-addr localhost:8081"},
		{"no such port", []string{"-addr", "localhost:99999"}, "cannot listen on -addr localhost:99999"},
		{"no such adapter", []string{"-adapter", "cgi"}, "-adapter takes: nethttp, chi, fiber, gin, echo"},
		{"an argument", []string{"memory"}, "-help"},
		{"no folder for the file", []string{"-store", "memory:missing/sessions.snap"}, "cannot use -store memory:missing/sessions.snap: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := run(t.Context(), test.args, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	listening := &net.TCPAddr{IP: net.IPv4zero, Port: 4321}
	for asked, want := range map[string]string{
		"localhost:0":    "localhost:4321",
		"127.0.0.1:4321": "127.0.0.1:4321",
		":4321":          "localhost:4321",
		"0.0.0.0:4321":   "localhost:4321",
		"[::]:4321":      "localhost:4321",
		"[::1]:4321":     "[::1]:4321",
	} {
		if got := reachable(asked, listening); got != want {
			t.Errorf("reachable(%s): got %s, want %s", asked, got, want)
		}
	}
}
