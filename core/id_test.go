package session_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/gostateful/session/core"
)

func TestNewIDIsAUUIDv7(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[session.ID]bool{}
		for range 1000 {
			id := session.NewID()
			text := id.String()
			if seen[id] {
				t.Fatal("an ID repeats")
			}
			seen[id] = true
			if text[14] != '7' || !strings.ContainsRune("89ab", rune(text[19])) {
				t.Errorf("%s is no UUID version 7", text)
			}
		}
		before := session.NewID()
		time.Sleep(time.Millisecond)
		if after := session.NewID(); after.String() <= before.String() {
			t.Errorf("%v came before %v", before, after)
		}
	})
}

// The example of RFC 9562, appendix A.6.
const rfcID = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

func TestParseID(t *testing.T) {
	id, err := session.ParseID(rfcID)
	if err != nil || id.String() != rfcID {
		t.Errorf("got %v, %v", id, err)
	}
	if upper, err := session.ParseID(strings.ToUpper(rfcID)); err != nil || upper != id {
		t.Errorf("upper case: got %v, %v", upper, err)
	}
	for _, bad := range []string{
		"", rfcID[1:], rfcID + "0", strings.Replace(rfcID, "-", "", 1), strings.ReplaceAll(rfcID, "-", "0"),
		strings.Replace(rfcID, "f", "g", 1), "00000000-0000-0000-0000-000000000000", "{" + rfcID[1:35] + "}",
	} {
		if id, err := session.ParseID(bad); err == nil || !id.IsZero() {
			t.Errorf("%q was taken for %v", bad, id)
		}
	}
}

func TestIDAsText(t *testing.T) {
	id, _ := session.ParseID(rfcID)
	text, err := json.Marshal(map[session.ID]session.ID{id: id})
	if want := `{"` + rfcID + `":"` + rfcID + `"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
	var back map[session.ID]session.ID
	if err := json.Unmarshal(text, &back); err != nil || back[id] != id {
		t.Errorf("got %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"x":"y"}`), &back); err == nil {
		t.Error("junk was taken for an ID")
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(rfcID)
	f.Add(strings.ToUpper(rfcID))
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := session.ParseID(text); err == nil && id.String() != strings.ToLower(text) {
			t.Errorf("%q was taken for %v", text, id)
		}
	})
}
