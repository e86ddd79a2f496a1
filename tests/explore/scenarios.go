package explore

import "time"

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

const (
	anonymous = "get update"
	loggedIn  = "get login update"
)

// pick finds scripts by name; a name with a "2" behind it is for the second
// browser.
func named(names ...string) []script {
	var list []script
	for _, name := range names {
		second := name[len(name)-1] == '2'
		if second {
			name = name[:len(name)-1]
		}
		for _, s := range append(requests, jobs...) {
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
	jumps  []jump
	faults int
	actors [][]script
}

// families are all scenarios, with the bounds of the short form. More adds to
// them: another fault for each, and another jump.
func families(more int) []family {
	user, visitor, nobody := []string{loggedIn}, []string{anonymous}, []string{""}
	two := []string{loggedIn, loggedIn}
	triples := [][]script{
		named("login", "login", "update"),
		named("login", "update", "update"),
		named("login", "flash", "update"),
		named("logout", "login", "flash"),
		named("logout", "login", "update"),
		named("renew", "renew", "update"),
		named("revoke", "update", "read"),
		named("revoke", "middle", "read"),
		named("revokeAll", "login", "update"),
		named("update", "update", "update"),
		named("job", "update", "logout"),
		named("early", "renew", "update"),
	}
	return []family{
		{name: "user", before: user, faults: 1, actors: pairs(append(requests, jobs...))},
		{name: "visitor", before: visitor, faults: 1, actors: pairs(named("update", "login", "loginUpdate", "renew", "logout", "flash", "middle", "early"))},
		{name: "nobody", before: nobody, faults: 1, actors: pairs(named("read", "update", "login", "loginUpdate", "flash", "middle"))},
		{name: "two browsers", before: two, faults: 1, actors: [][]script{
			named("update", "update2"), named("revokeAll", "update2"), named("login", "logout2"), named("revokeAll", "login2"), named("logout", "flash2"),
		}},
		{name: "another site", before: user, actors: [][]script{{{name: "cross", steps: "cross"}}}},
		{name: "three", before: user, actors: triples},
		{name: "three visitors", before: visitor, actors: triples},
		{name: "touch", before: user, age: 2 * time.Minute, faults: 1, jumps: []jump{past}, actors: append(pairs(named("read", "update", "job", "revoke")), named("early", "read"))},
		{name: "window", before: user, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "flash"))},
		{name: "renewal", before: user, age: 11 * time.Minute, renews: true, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "early", "middle", "revoke"))},
		{name: "renewals", before: user, age: 11 * time.Minute, renews: true, jumps: []jump{renewal}, actors: [][]script{named("read", "read", "update"), named("read", "update", "update"), named("read", "login", "update")}},
		{name: "faulty renewal", before: user, age: 11 * time.Minute, renews: true, faults: 1, actors: pairs(named("read", "update", "login", "logout", "revoke"))},
		{name: "expiry", before: user, age: 55 * time.Minute, jumps: []jump{minutes}, actors: pairs(named("read", "update", "early", "logout", "login"))},
		{name: "expired", before: user, jumps: []jump{expired}, actors: pairs(named("read", "update", "early", "logout", "login", "job"))},
	}
}

// Scenarios lists all scenarios. Each step of more allows one fault more, and
// each jump once more.
func Scenarios(more int) []Scenario {
	var list []Scenario
	for _, f := range families(more) {
		for _, actors := range f.actors {
			sc := Scenario{Name: f.name + "/", Faults: f.faults + more, before: f.before, age: f.age, renews: f.renews, actors: actors}
			for n, a := range actors {
				if n > 0 {
					sc.Name += "-"
				}
				sc.Name += a.name
			}
			for range 1 + more {
				sc.jumps = append(sc.jumps, f.jumps...)
			}
			list = append(list, sc)
		}
	}
	return list
}
