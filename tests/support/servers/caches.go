package servers

import (
	"fmt"
	"strings"
	"testing"
)

// An Origin is an application behind a cache: requests whose path begins with the prefix
// go to its address.
type Origin struct{ Prefix, Addr string }

// Nginx starts an nginx that keeps the answers of its origins for a minute, whatever their
// status, by the path alone, unless an answer forbids it. X-Cache says whether an answer
// was kept: HIT.
func Nginx(t testing.TB, origins ...Origin) *Server {
	t.Helper()
	return Start(t, nginx(origins...))
}

func nginx(origins ...Origin) Program {
	return Program{
		Name:    "nginx",
		Folders: []string{"/usr/sbin", "/usr/local/sbin"}, // not on everyone's PATH
		Install: "nginx 1.19.5 or later (Debian: nginx)",
		User:    "nobody",
		Args: func(s *Server) []string {
			locations := ""
			for _, o := range origins {
				locations += fmt.Sprintf("location %s { proxy_pass http://%s; }\n", o.Prefix, o.Addr)
			}
			_ = s.write("nginx.conf", fmt.Appendf(nil, nginxConfig, s.Addr(), locations)) // nginx says so if it is not there
			return []string{"-p", s.Dir, "-c", s.file("nginx.conf"), "-e", "stderr"}
		},
	}
}

const nginxConfig = `
daemon off;
pid pid;
worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
	proxy_cache_path kept keys_zone=kept:1m;
	proxy_cache kept;
	proxy_cache_key $uri;
	proxy_cache_valid any 1m;
	proxy_http_version 1.1;
	add_header X-Cache $upstream_cache_status always;
	server {
		listen %s;
		%s
	}
}
`

// LookForNginx returns nil when Nginx would find what it runs.
func LookForNginx() error {
	p := nginx()
	return p.look()
}

// Varnish starts a Varnish that does as Nginx does, also for requests with a cookie.
func Varnish(t testing.TB, origins ...Origin) *Server {
	t.Helper()
	return Start(t, varnish(origins...))
}

func varnish(origins ...Origin) Program {
	return Program{
		Name:    "varnishd",
		Folders: []string{"/usr/sbin", "/usr/local/sbin"},
		Install: "Varnish 6 or later, with a C compiler (Debian: varnish)",
		User:    "nobody",
		Args: func(s *Server) []string {
			return []string{"-F", "-a", s.Addr(), "-f", s.file("kept.vcl"), "-n", s.file("work"), "-s", "malloc,16m", "-T", "none"}
		},
		Prepare: func(s *Server) error {
			var backends, choice strings.Builder
			for i, o := range origins {
				host, port, _ := strings.Cut(o.Addr, ":")
				fmt.Fprintf(&backends, "backend origin%d { .host = %q; .port = %q; }\n", i, host, port)
				fmt.Fprintf(&choice, "if (req.url ~ %q) { set req.backend_hint = origin%d; }\n", "^"+o.Prefix, i)
			}
			return s.write("kept.vcl", fmt.Appendf(nil, varnishConfig, backends.String(), choice.String()))
		},
	}
}

// What is not here, Varnish adds: it keeps no answer with Set-Cookie, nor one that says
// private, no-cache or no-store.
const varnishConfig = `
vcl 4.1;
%s
sub vcl_recv {
	%s
	if (req.method == "GET" || req.method == "HEAD") { return (hash); }
	return (pass);
}
sub vcl_hash {
	hash_data(regsub(req.url, "\?.*", ""));
	return (lookup);
}
sub vcl_backend_response {
	set beresp.ttl = 1m;
	set beresp.grace = 0s;
}
sub vcl_deliver {
	set resp.http.X-Cache = "MISS";
	if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; }
}
`

// LookForVarnish returns nil when Varnish would find what it runs.
func LookForVarnish() error {
	p := varnish()
	return p.look()
}
