package explore

import (
	"slices"
	"time"
)

// A family is scenarios that differ in their actors.
type family struct {
	name   string
	before []string
	age    time.Duration
	set    setting
	hangs  bool
	jumps  []jump
	faults int
	actors [][]script
}

// families are all scenarios, with the bounds of the short form.
func families() []family {
	user, visitor, nobody := []string{loggedIn}, []string{anonymous}, []string{""}
	deviceSet := setting{device: true}
	two := []string{loggedIn, loggedIn}
	renamed := setting{cookie: newCookie, former: cookieName}
	renewedToo := renamed
	renewedToo.renews = true
	return []family{
		{name: "user", before: user, faults: 1, actors: append(pairs(slices.Concat(most, jobs)), append(
			beside("left", "read", "update", "login", "logout", "revoke"), beside("tardy", "read", "update")...)...)},
		{name: "visitor", before: visitor, faults: 1, actors: pairs(named("update", "login", "renew", "logout", "middle"))},
		{name: "nobody", before: nobody, faults: 1, actors: pairs(named("read", "update", "loginUpdate", "flash"))},
		{name: "everyday", before: user, faults: 1, actors: slices.Concat(
			beside("undo", "update", "login", "logout", "revoke"), beside("undone", "read", "login", "flash"),
			beside("take", "take", "update", "login", "logout", "job", "revoke"), beside("poll", "update", "login", "logout", "flash", "renew"),
		)},
		{name: "two browsers", before: two, faults: 1, actors: [][]script{
			named("update", "update2"), named("revokeAll", "update2"), named("login", "logout2"), named("revokeAll", "login2"),
		}},
		{name: "another site", before: user, actors: beside("cross", "read", "update", "login", "logout", "flash")},
		{name: "another realm", before: user, faults: 1, actors: beside("realm", "read", "update", "login", "logout", "job", "revoke")},
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
			named("enter", "outUpdate", "look"),
			named("out", "enter", "revoke"),
			named("job", "enter", "out"),
		}},
		{name: "three and a fault", before: user, faults: 1, actors: [][]script{
			named("revoke", "commit", "look"),
			named("job", "look", "revoke"),
			named("look", "out", "commit"),
			named("look", "out", "job"),
			named("revoke", "out", "look"),
			named("enter", "look", "commit"),
			named("enter", "out", "look"),
			named("out", "outUpdate", "look"),
		}},
		{name: "renewal of three", before: user, age: 11 * time.Minute, set: setting{renews: true}, actors: [][]script{
			named("look", "change", "look"), named("look", "out", "look"), named("look", "enter", "job"),
		}},
		{name: "touch", before: user, age: 2 * time.Minute, faults: 1, jumps: []jump{past}, actors: append(pairs(named("read", "update", "job", "revoke")), named("early", "read"))},
		{name: "touch of three", before: user, age: 2 * time.Minute, actors: [][]script{named("revoke", "update", "look")}},
		{name: "window", before: user, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "flash"))},
		{name: "renewal", before: user, age: 11 * time.Minute, set: setting{renews: true}, jumps: []jump{windowEnd}, actors: pairs(named("read", "update", "login", "renew", "logout", "early", "middle", "revoke"))},
		{name: "renewals", before: user, age: 11 * time.Minute, set: setting{renews: true}, jumps: []jump{renewal}, actors: [][]script{named("look", "look", "change"), named("look", "login", "change")}},
		{name: "faulty renewal", before: user, age: 11 * time.Minute, set: setting{renews: true}, faults: 1, actors: pairs(named("read", "update", "login", "logout", "revoke"))},
		{name: "first use", before: user, age: 11 * time.Minute, set: setting{renews: true}, jumps: []jump{windowEnd}, actors: [][]script{
			named("look", "look", "delayed"), named("look", "change", "delayed"), named("look", "look", "update"), named("left", "look"),
		}},
		{name: "renamed", before: user, set: renamed, faults: 1, actors: pairs(named("look", "update", "login", "renew", "logout", "flash"))},
		{name: "renamed renewal", before: user, age: 11 * time.Minute, set: renewedToo, faults: 1, jumps: []jump{windowEnd}, actors: pairs(named("look", "change", "login"))},
		{name: "stream", before: user, jumps: []jump{half, half, half}, actors: beside("stream", "look", "change", "login", "renew", "logout", "revoke", "job")},
		{name: "keep", before: user, faults: 1, actors: beside("keep", "keep", "update", "login", "renew", "logout", "flash", "revoke", "job")},
		{name: "lifetime", before: user, age: 55 * time.Minute, set: setting{lifetime: true}, jumps: []jump{minutes}, actors: pairs(named("read", "update", "early", "login", "ahead", "logout", "keep", "job"))},
		{name: "expiry and a job", before: user, age: 55 * time.Minute, jumps: []jump{minutes}, actors: beside("job", "read", "update", "keep", "login")},
		{name: "expiry", before: user, age: 55 * time.Minute, jumps: []jump{minutes}, actors: pairs(named("read", "update", "early", "logout", "login"))},
		{name: "device", before: []string{bound}, set: deviceSet, faults: 1, actors: slices.Concat(
			beside("refresh", "refresh", "bare", "update", "login", "renew", "logout", "flash", "revoke", "job"),
			beside("bare", "bare", "update", "login", "renew", "logout", "revoke", "anew"),
			beside("resign", "refresh", "resign", "update"), beside("anew", "refresh", "resign"),
		)},
		{name: "no reply to a device", before: []string{bound}, set: deviceSet, faults: 1, hangs: true, actors: [][]script{named("refresh"), named("bare"), named("refresh", "update")}},
		{name: "registration", before: []string{loggedIn}, set: deviceSet, faults: 1, actors: append(beside("register", "register", "look", "update", "login", "renew", "logout", "revoke"), named("forge", "look"))},
		{name: "lost registration", before: []string{loggedIn}, set: deviceSet, jumps: []jump{windowEnd}, actors: [][]script{named("register", "look", "register"), named("register", "look", "resign"), named("register", "change", "look")}},
		{name: "registration lost for long", before: []string{loggedIn}, set: deviceSet, jumps: []jump{windowEnd, renewal, windowEnd}, actors: [][]script{named("register", "look")}},
		{name: "first use of a device", before: []string{enrolled}, set: deviceSet, faults: 1, jumps: []jump{windowEnd}, actors: [][]script{named("look", "update"), named("look", "refresh"), named("look", "login"), named("look", "bareResign")}},
		{name: "overdue", before: []string{bound}, set: deviceSet, jumps: []jump{renewal, windowEnd}, actors: [][]script{named("refresh", "update"), named("bareResign", "update"), named("resign", "look"), named("resign", "bareResign"), named("resign", "logout"), named("look", "bare"), named("bare", "login")}},
		{name: "no use", before: []string{bound}, age: 58 * time.Minute, set: deviceSet, jumps: []jump{windowEnd}, actors: [][]script{named("resign", "look"), named("bareResign", "bareResign"), named("resign", "job")}},
		{name: "theft", before: []string{bound, copied}, set: deviceSet, jumps: []jump{renewal, windowEnd}, actors: [][]script{named("thief2"), named("resign", "thief2"), named("update", "thief2"), named("bareResign", "look2")}},
		{name: "theft at the login", before: []string{loggedIn, copied}, set: deviceSet, jumps: []jump{windowEnd}, actors: [][]script{named("register", "thief2"), named("register", "look", "thief2"), named("register", "look2", "register2")}},
		{name: "fixation", before: []string{bound, copied}, set: deviceSet, actors: [][]script{named("login2", "resign"), named("login2", "refresh", "look"), named("login2", "register2", "resign"), named("login2", "register2", "update")}},
		{name: "devices and renewal", before: []string{bound}, age: 11 * time.Minute, set: setting{device: true, renews: true}, jumps: []jump{windowEnd}, actors: [][]script{named("look", "look"), named("look", "resign"), named("update", "refresh")}},
		{name: "expired", before: user, jumps: []jump{expired}, actors: pairs(named("read", "update", "early", "logout", "login", "flash", "job"))},
	}
}

// Scenarios lists all scenarios: the short form if more is zero. Each step of
// more allows one fault more, and each jump once more; -1 allows no fault.
func Scenarios(more int) []Scenario {
	var list []Scenario
	for _, f := range families() {
		for _, actors := range f.actors {
			sc := Scenario{Name: f.name + "/", Faults: max(0, f.faults+more), before: f.before, age: f.age, setting: f.set, hangs: f.hangs || more > 0, actors: actors}
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
