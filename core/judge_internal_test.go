package session

import (
	"fmt"
	"testing"
)

// TestJudge holds judge to a table. A row speaks of every case that fits it and
// none above it; every case has a row, and no row is without a case.
func TestJudge(t *testing.T) {
	const any = "any"
	type row struct {
		kind, doubt, relation, tombstone, opens, late string
		want                                          verdict
		why                                           string
	}
	rows := []row{
		{any, any, "own", any, any, any, done, "law 1: the reply was lost, the write was not"},
		{"creation", any, any, any, any, any, elsewhere, "law 2: a new ID revives nobody"},
		{"update", any, "same", "no", any, any, again, "law 1: the version is taken only once"},
		{"end", any, "same", "no", any, any, again, "law 1: the version is taken only once"},

		{"end", any, "absent", any, any, any, gone, "law 3: over, by another, whose browser may be logged in anew"},
		{"end", any, any, "yes", any, any, gone, "law 3: logged out, by another request of the browser"},
		{"end", any, any, "no", "no", any, refused, "law 3: a straggler does not log out who logged in since"},
		{"end", any, any, "no", "yes", any, newer, "law 2: the end goes on over whatever was written"},

		{"update", "yes", "absent", any, any, any, doubtful, "law 1: others may have read it before the end"},
		{"update", "yes", "further", any, any, any, doubtful, "law 1: the version after may have been ours"},
		{"update", "no", "absent", any, any, "yes", late, "law 18: never a success"},
		{"update", any, "absent", any, any, "no", gone, "law 2: as if the change had come first"},
		{"update", any, any, "yes", any, any, gone, "law 2: as if the change had come first"},
		{"update", any, any, "no", "no", any, refused, "law 3: the secret was replaced"},
		{"update", any, any, "no", "yes", any, newer, "law 1: reload and replay"},
	}
	kinds := map[planKind]string{planCreate: "creation", planUpdate: "update", planEnd: "end"}
	relations := map[relation]string{absent: "absent", own: "own", same: "same", next: "next", further: "further", other: "other"}
	yes := func(is bool) string {
		if is {
			return "yes"
		}
		return "no"
	}
	fits := func(want, got string) bool { return want == any || want == got }
	used := map[int]bool{}
	for kind, kindName := range kinds {
		for relation, relationName := range relations {
			for bits := range 16 {
				doubt, tombstone, late := bits&1 != 0, bits&2 != 0, bits&4 != 0
				s := sight{relation: relation, ended: tombstone, overdue: late}
				if bits&8 != 0 {
					s.proof = current
				}
				name := fmt.Sprintf("%s, doubt %t, %s, tombstone %t, opens %t, late %t", kindName, doubt, relationName, tombstone, s.proof.opens(), late)
				found := false
				for i, r := range rows {
					if !fits(r.kind, kindName) || !fits(r.doubt, yes(doubt)) || !fits(r.relation, relationName) ||
						!fits(r.tombstone, yes(tombstone)) || !fits(r.opens, yes(s.proof.opens())) || !fits(r.late, yes(late)) {
						continue
					}
					if got := judge(kind, doubt, s); got != r.want {
						t.Errorf("%s: got verdict %d, want %d (%s)", name, got, r.want, r.why)
					}
					found, used[i] = true, true
					break
				}
				if !found {
					t.Errorf("%s: no row", name)
				}
			}
		}
	}
	for i, r := range rows {
		if !used[i] {
			t.Errorf("no case for %+v", r)
		}
	}
}
