package account_test

import (
	"encoding/json"
	"testing"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestKeys: the list of devices has the names of session.Info, so that programs
// can read both alike.
func TestKeys(t *testing.T) {
	si := newDevices(t, account.Guard{})
	var shown []map[string]any
	ann := si.login("ann", "Firefox")
	if err := json.Unmarshal([]byte(ann.do("GET", "/devices/").body), &shown); err != nil || len(shown) != 1 {
		t.Fatalf("got %v, %v, want one device", shown, err)
	}
	infos, err := si.List(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(infos[0])
	if err != nil {
		t.Fatal(err)
	}
	var info map[string]any
	if err := json.Unmarshal(encoded, &info); err != nil {
		t.Fatal(err)
	}
	for key, value := range shown[0] {
		if key != "current" && key != "device" && info[key] != value {
			t.Errorf("the list has %s: %v, and %T has %v there: %s", key, value, session.Info[visit]{}, info[key], encoded)
		}
	}
	for _, key := range []string{"id", "createdAt", "authenticatedAt", "lastUsedAt", "expiresAt"} {
		if shown[0][key] == nil {
			t.Errorf("the list has no %s: %v", key, shown[0])
		}
	}
}
