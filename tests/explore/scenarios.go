package explore

import "slices"

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
	{name: "left", steps: "get think update leave"},
	{name: "tardy", steps: "get send login"},
}

// everyday scripts have what the others do in another form.
var everyday = []script{
	{name: "undo", steps: "get login update discard update"},
	{name: "undone", steps: "get update login think discard"},
	{name: "take", steps: "get think take"},
	{name: "poll", steps: "think peek"},
}

// slow scripts are for when time passes.
var slow = []script{
	{name: "stream", steps: "get send touch think touch think update"},
	{name: "keep", steps: "get think touch"},
	{name: "ahead", steps: "get login think update"},
	{name: "delayed", steps: "think get"},
}

var jobs = []script{
	{name: "job", steps: "job"},
	{name: "revoke", steps: "revoke"},
	{name: "revokeAll", steps: "revokeall"},
}

var strangers = []script{
	{name: "cross", steps: "cross"},
	{name: "realm", steps: "realm"},
}

// short scripts leave no time to pass, and make no more calls than they must.
var short = []script{
	{name: "look", steps: "get"},
	{name: "change", steps: "get update"},
	{name: "commit", steps: "get update commit"},
	{name: "enter", steps: "get login"},
	{name: "out", steps: "get destroy"},
	{name: "outUpdate", steps: "get destroy update"},
}

// devices have what browsers do that are bound to their device.
var devices = []script{
	{name: "register", steps: "register"},
	{name: "refresh", steps: "refresh"},
	{name: "resign", steps: "ask / refresh"},
	{name: "bare", steps: "refresh", bare: true},
	{name: "bareResign", steps: "ask / refresh", bare: true},
	{name: "anew", steps: "get login", bare: true},
	{name: "thief", steps: "get / enroll / refresh / ask / refresh"},
	{name: "forge", steps: "forge"},
}

const (
	anonymous = "get update"
	loggedIn  = "get login update"
	enrolled  = loggedIn + " / register" // and the new secret was not used yet
	bound     = enrolled + " / get update"
	copied    = "copy" // the cookie of the browser before
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
		for _, s := range slices.Concat(requests, everyday, jobs, slow, short, strangers, devices) {
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

// beside are the pairs of one script with others.
func beside(name string, others ...string) [][]script {
	var all [][]script
	for _, o := range others {
		all = append(all, named(name, o))
	}
	return all
}

// most are the requests that matter beside any other.
var most = requests[:10]

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
