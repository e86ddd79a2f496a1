package explore

import (
	"slices"
	"time"
)

var requests = []script{
	{name: "read", steps: "get think"},
	{name: "update", steps: "get think update"},
	{name: "login", steps: "get think login"},
	{name: "loginUpdate", steps: "get login update"},
	{name: "renew", steps: "get think renew"},
	{name: "logout", steps: "get think destroy"},
	{name: "flash", steps: "get think destroy update"},
	{name: "middle", steps: "get update commit think update"},
	{name: "early", steps: "get send think update"},
	{name: "panic", steps: "get update panic"},
}

var jobs = []script{
	{name: "job", steps: "job"},
	{name: "revoke", steps: "revoke"},
	{name: "revokeAll", steps: "revokeall"},
}

// short scripts leave no time to pass, and make no more calls than they must.
var short = []script{
	{name: "look", steps: "get"},
	{name: "change", steps: "get update"},
	{name: "commit", steps: "get update commit"},
}

const (
	anonymous = "get update"
	loggedIn  = "get login update"
)

// named finds scripts by name; a name with a "2" behind it is for the second
// browser.
func named(names ...string) []script {
	var list []script
	for _, name := range names {
		second := name[len(name)-1] == '2'
		if second {
			name = name[:len(name)-1]
		}
		for _, s := range slices.Concat(requests, jobs, short) {
			if s.name == name {
				if second {
					s.name, s.browser = s.name+"2", 1
				}
				list = append(list, s)
			}
		}
	}
	return list
}

// pairs are all pairs of scripts, each with itself too.
func pairs(scripts []script) [][]script {
	var all [][]script
	for i, a := range scripts {
		for _, b := range scripts[i:] {
			all = append(all, []script{a, b})
		}
	}
	return all
}

// A family is scenarios that differ in their actors.
type family struct {
	name   string
	before []string
	age    time.Duration
	renews bool
	others bool
	hangs  bool
	jumps  []jump
	faults int
	actors [][]script
}

// families are all scenarios, with the bounds of the short form.
func families() []family {
	user, visitor, nobody := []string{loggedIn}, []string{anonymous}, []string{""}
	two := []string{loggedIn, loggedIn}
	return []family{
		{name: "user", before: user, faults: 1, actors: pairs(append(requests, jobs...))},
		{name: "visitor", before: visitor, faults: 1, actors: pairs(named("update", "login", "renew", "logout", "middle"))},
		{name: "nobody", before: nobody, faults: 1, actors: pairs(named("read", "update", "loginUpdate", "flash"))},
		{name: "two browsers", before: two, faults: 1, actors: [][]script{
			named("update", "update2"), named("revokeAll", "update2"), named("login", "logout2"), named("revokeAll", "login2"),
		}},
		{name: "another site", before: user, others: true, actors: [][]script{{{name: "cross", steps: "cross"}}}},
		{name: "no reply", before: user, faults: 1, hangs: true, actors: [][]script{
			named("update"), named("login"), named("renew"), named("logout"), named("middle"), named("job"), named("revoke"), named("revokeAll"),
			named("update", "update"), named("middle", "read"), named("login", "update"), named("logout", "update"), named("job", "read"),
		}},
		{name: "three", before: user, actors: [][]script{
			named("login", "login", "update"),
			named("login", "look", "update"),
			named("logout", "login", "flash"),
			named("logout", "login", "update"),
			named("renew", "renew", "update"),
			named("revoke", "update", "look"),
			named("revokeAll", "login", "update"),
			named("update", "update", "update"),
			named("job", "update", "logout"),
			named("early", "renew", "update"),
		}},
		{name: "three and a fault", before: user, faults: 1, actors: [][]script{
			named("revoke", "commit", "look"),
			named("job", "look", "revoke"),
		}},
		{name: "touch", before: user, age: 2 * time.Minute, faults: 1, jumps: []jump{past}, actors: append(pairs(named("read", "update", "job", "revoke")), named("early", "read"))},
		{name: "touch of three", before: user, age: 2 * time.Minute, actors: [][]script{named("revoke", "update", "look")}},
		{name: "window", before: user, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "flash"))},
		{name: "renewal", before: user, age: 11 * time.Minute, renews: true, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "early", "middle", "revoke"))},
		{name: "renewals", before: user, age: 11 * time.Minute, renews: true, jumps: []jump{renewal}, actors: [][]script{named("look", "look", "change"), named("look", "login", "change")}},
		{name: "faulty renewal", before: user, age: 11 * time.Minute, renews: true, faults: 1, actors: pairs(named("read", "update", "login", "logout", "revoke"))},
		{name: "expiry", before: user, age: 55 * time.Minute, jumps: []jump{minutes}, actors: pairs(named("read", "update", "early", "logout", "login"))},
		{name: "expired", before: user, jumps: []jump{expired}, actors: pairs(named("read", "update", "early", "logout", "login", "flash", "job"))},
	}
}

// Scenarios lists all scenarios: the short form if more is zero. Each step of
// more allows one fault more, and each jump once more; -1 allows no fault.
func Scenarios(more int) []Scenario {
	var list []Scenario
	for _, f := range families() {
		for _, actors := range f.actors {
			sc := Scenario{Name: f.name + "/", Faults: max(0, f.faults+more), before: f.before, age: f.age, renews: f.renews, others: f.others, hangs: f.hangs || more > 0, actors: actors}
			for n, a := range actors {
				if n > 0 {
					sc.Name += "-"
				}
				sc.Name += a.name
			}
			for range 1 + max(0, more) {
				sc.jumps = append(sc.jumps, f.jumps...)
			}
			list = append(list, sc)
		}
	}
	return list
}
