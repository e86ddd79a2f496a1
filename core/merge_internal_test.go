package session

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestMergeJSON(t *testing.T) {
	for _, test := range []struct{ name, stored, before, after, want string }{
		{"unknown field kept", `{"a":1,"new":[1]}`, `{"a":1}`, `{"a":2}`, `{"a":2,"new":[1]}`},
		{"no change keeps the text", `{ "new":1, "a":1 }`, `{"a":1}`, `{"a":1}`, `{ "new":1, "a":1 }`},
		{"a known field that is gone was removed", `{"a":1,"b":2}`, `{"a":1,"b":2}`, `{"b":2}`, `{"b":2}`},
		{"deep", `{"o":{"a":1,"new":1},"new":2}`, `{"o":{"a":1}}`, `{"o":{"a":3}}`, `{"new":2,"o":{"a":3,"new":1}}`},
		{"names in another case are the same field", `{"Count":1,"new":0}`, `{"count":1}`, `{"count":2}`, `{"count":2,"new":0}`},
		{"names with letters of three forms", `{"Kind":1,"kindſ":2,"new":0}`, `{"kind":1,"kinds":2}`, `{"kind":3,"kinds":4}`, `{"kind":3,"kinds":4,"new":0}`},
		{"array, one changed", `[{"a":1,"n":1},{"a":2,"n":2}]`, `[{"a":1},{"a":2}]`, `[{"a":9},{"a":2}]`, `[{"a":9,"n":1},{"a":2,"n":2}]`},
		{"array, first removed", `[{"a":1,"n":1},{"a":2,"n":2}]`, `[{"a":1},{"a":2}]`, `[{"a":2}]`, `[{"a":2,"n":2}]`},
		{"array, swapped", `[{"a":1,"n":1},{"a":2,"n":2}]`, `[{"a":1},{"a":2}]`, `[{"a":2},{"a":1}]`, `[{"a":2,"n":2},{"a":1,"n":1}]`},
		{"array, one replaced by another's", `[{"a":1,"n":1},{"a":2,"n":2}]`, `[{"a":1},{"a":2}]`, `[{"a":9},{"a":1}]`, `[{"a":9},{"a":1,"n":1}]`},
		{"array, one added", `[{"a":1,"n":1}]`, `[{"a":1}]`, `[{"a":1},{"a":5}]`, `[{"a":1,"n":1},{"a":5}]`},
		{"array, equal elements", `[{"a":1,"n":1},{"a":1,"n":2}]`, `[{"a":1},{"a":1}]`, `[{"a":1},{"a":1},{"a":1}]`, `[{"a":1,"n":1},{"a":1,"n":2},{"a":1}]`},
		{"array that the program reads otherwise", `[1,2,3]`, `[1,2]`, `[1]`, `[1]`},
		{"another kind of value", `{"a":{"n":1}}`, `{"a":{}}`, `{"a":[]}`, `{"a":[]}`},
		{"from null", `{"a":null,"n":1}`, `{"a":null}`, `{"a":{"b":1}}`, `{"a":{"b":1},"n":1}`},
		{"large numbers", `{"a":1,"n":12345678901234567890}`, `{"a":1}`, `{"a":2}`, `{"a":2,"n":12345678901234567890}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := mergeJSON([]byte(test.stored), []byte(test.before), []byte(test.after))
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

// fold gives the same form to names that are equal without regard to case, and to no
// others.
func TestFold(t *testing.T) {
	names := []string{"", "k", "K", "K", "s", "S", "ſ", "i", "I", "ı", "İ", "ß", "ẞ", "ss", "σ", "ς", "Σ", "ǅ", "Ǆ", "ǆ", "ᲀ", "в", "В", "ab", "AB", "aB", "𐐀", "𐐨", "ÿ", "�", "1"}
	for _, a := range names {
		for _, b := range names {
			if got, want := fold(a) == fold(b), strings.EqualFold(a, b); got != want {
				t.Errorf("%q and %q: got %t, want %t", a, b, got, want)
			}
		}
	}
}

// Whatever newer programs store, what this program writes is there afterwards.
func FuzzMergeJSON(f *testing.F) {
	f.Add(`{"n":1,"items":["a"],"new":{"x":[1,2]}}`, 2, "b")
	f.Add(`{"N":1,"ITEMS":["a","a"],"items":null}`, 0, "")
	f.Add(`{"in":{"n":3,"k":1},"in":{"n":4}}`, 7, "<>")
	f.Add(`null`, 1, "x")
	type inner struct {
		N int `json:"n"`
	}
	type data struct {
		N     int      `json:"n,omitempty"`
		Items []string `json:"items,omitempty"`
		In    inner    `json:"in"`
	}
	f.Fuzz(func(t *testing.T, stored string, n int, item string) {
		var d data
		if json.Unmarshal([]byte(stored), &d) != nil {
			return
		}
		before, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		d.N, d.In.N = n, n
		d.Items = append(d.Items, item)
		after, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		merged, err := mergeJSON([]byte(stored), before, after)
		if err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		var back, want data
		if err := errors.Join(json.Unmarshal(merged, &back), json.Unmarshal(after, &want)); err != nil {
			t.Fatalf("%s became %s: %v", stored, merged, err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Errorf("stored %s, written %s, merged %s", stored, after, merged)
		}
	})
}
