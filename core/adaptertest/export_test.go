package adaptertest

import "time"

// Laws are the names of all laws.
func Laws() (names []string) {
	for _, l := range laws() {
		names = append(names, l.name)
	}
	return names
}

// LosePatience makes the suite wait less long, for adapters that are known to
// fail.
func LosePatience() { patience = 5 * time.Second }
