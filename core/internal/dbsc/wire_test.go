package dbsc

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// The texts are those that Chromium 156 takes and sends.
func TestWire(t *testing.T) {
	if got, want := Offer("/device", "chal"), `(ES256 RS256);path="/device";challenge="chal"`; got != want {
		t.Errorf("Offer: got %s, want %s", got, want)
	}
	if got, want := Ask("chal", "id"), `"chal";id="id"`; got != want {
		t.Errorf("Ask: got %s, want %s", got, want)
	}
	const want = `{"session_identifier":"id","refresh_url":"/device","scope":{"include_site":false,"scope_specification":[]},"credentials":[{"type":"cookie","name":"__Host-session","attributes":"Path=/; Secure"}]}`
	if got := Instructions("id", "/device", "__Host-session", "Path=/; Secure"); string(got) != want || !json.Valid(got) {
		t.Errorf("Instructions: got %s, want %s", got, want)
	}
}

func TestText(t *testing.T) {
	for line, want := range map[string]string{
		`"id"`: "id", `id`: "id", ` "id" `: "id", `"id";a=1`: "id", `id;a="b"`: "id", `"i d"`: "i d", `"i;d"`: "i;d",
	} {
		if got, ok := Text(line); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", line, got, ok, want)
		}
	}
	for _, line := range []string{"", " ", `""`, `"id`, `"i\"d"`, `i"d`, `i\d`, "i\td", "\"i\x7fd\"", "ïd", ";a"} {
		if got, ok := Text(line); ok {
			t.Errorf("%q: got %q, want none", line, got)
		}
	}
}

func TestSkips(t *testing.T) {
	for line, want := range map[string][]Skip{
		"": nil, "unreachable": nil, "unreachable;session_identifier=": nil, "unreachable;other=id": nil,
		"unreachable;session_identifier=id":                {{"unreachable", "id"}},
		`server_error; session_identifier="id"`:            {{"server_error", "id"}},
		`a;x=1;session_identifier="id";y`:                  {{"a", "id"}},
		`a;session_identifier=1, b;session_identifier="2"`: {{"a", "1"}, {"b", "2"}},
	} {
		if got := Skips([]string{line}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
	if got := Skips([]string{strings.Repeat("a;session_identifier=1,", 1000)}); len(got) != maxSkips {
		t.Errorf("got %d of a thousand", len(got))
	}
}

// One identifier serves each login at an origin with one cookie, and none serves two
// origins or two cookies.
func TestIdentifier(t *testing.T) {
	const shop = "https://shop.example.com"
	same := Identifier("sid", shop, "1")
	if got := Identifier("sid", shop, "2"); got != same {
		t.Errorf("two sessions at one origin: got %q and %q", same, got)
	}
	seen := map[string]string{}
	for name, identifier := range map[string]string{
		"the shop": same, "another cookie": Identifier("__Host-sid", shop, "1"), "another host": Identifier("sid", "https://blog.example.com", "1"), "another port": Identifier("sid", shop+":8443", "1"),
		"no origin": Identifier("sid", "", "1"), "no origin, another session": Identifier("sid", "", "2"), "an opaque origin": Identifier("sid", "null", "3"), "an opaque origin, another session": Identifier("sid", "null", "4"),
	} {
		if other := seen[identifier]; other != "" {
			t.Errorf("%s and %s: both got %q", name, other, identifier)
		}
		seen[identifier] = name
		if text, ok := Text(identifier); !ok || text != identifier {
			t.Errorf("%s: %q cannot be sent", name, identifier)
		}
		if cookie := Cookie(identifier); cookie != "sid" && name != "another cookie" {
			t.Errorf("%s: the cookie of %q is %q", name, identifier, cookie)
		}
	}
	if got := Cookie(Identifier("__Host-a.b", shop, "1")); got != "__Host-a.b" {
		t.Errorf("the cookie is %q", got)
	}
	if got := Cookie("01a22a01-4056-797a-b086-0e820e2cc5a9"); got == "sid" || Cookie("") != "" {
		t.Errorf("what is no identifier has the cookie %q", got)
	}
}

func TestRefreshURL(t *testing.T) {
	path, query, _ := strings.Cut(RefreshURL("/device", "id"), "?")
	if id, ok := Refreshed(query); path != "/device" || !ok || id != "id" {
		t.Errorf("got %q, %q, %v", path, id, ok)
	}
	for _, query := range []string{"", "id", "session", "session=", "session=a&session=b", "session=%zz", "session=a;b", "Session=a"} {
		if id, ok := Refreshed(query); ok && id != "" {
			t.Errorf("%q: got %q", query, id)
		}
	}
}

// FuzzHeaders: no header makes the readers panic, or read what is not in it.
func FuzzHeaders(f *testing.F) {
	for _, line := range []string{`"id"`, `id;a=1`, `"id`, `unreachable;session_identifier="id", x`, `;;==,,"`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if text, ok := Text(line); ok && (text == "" || !strings.Contains(line, text)) {
			t.Errorf("Text(%q) is %q", line, text)
		}
		for _, skip := range Skips([]string{line}) {
			if skip.Identifier == "" || !strings.Contains(line, skip.Identifier) || !strings.Contains(line, skip.Reason) {
				t.Errorf("Skips(%q) has %+v", line, skip)
			}
		}
	})
}
