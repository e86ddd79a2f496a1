package main

import (
	"fmt"
	"sync"
)

// proveCount sends 50 requests, of which none writes before all have read.
func proveCount(st *stage) result {
	const requests = 50
	visitor := st.robot(nil)
	visitor.login()
	h := st.site.holds.add()
	defer st.site.holds.remove(h)
	var all sync.WaitGroup
	for range requests {
		all.Go(func() { visitor.count(h.name) })
	}
	st.check(h.await(st.ctx, requests))
	h.release()
	all.Wait()
	last := visitor.look()
	return result{
		Good:    last.Count == requests,
		Verdict: fmt.Sprintf("%d of %d", last.Count, requests),
		Steps: []string{
			"50 requests of one visitor read the number 0. Only then did the first of them write.",
			fmt.Sprintf("All have been answered. The number is %d.", last.Count),
		},
		Events: st.events(last.ID),
	}
}

// proveLogout logs a visitor out while a request of theirs is about to write.
func proveLogout(st *stage) result {
	visitor := st.robot(nil)
	visitor.login()
	before := visitor.look()
	tab := st.robot(visitor) // keeps the cookie
	h := st.site.holds.add()
	defer st.site.holds.remove(h)
	var slow reply
	var all sync.WaitGroup
	all.Go(func() { slow = tab.count(h.name) })
	st.check(h.await(st.ctx, 1))
	visitor.post("/logout")
	h.release()
	all.Wait()
	after, again := tab.look(), tab.count("")
	return result{
		Good:    !slow.setCookie && after.User == "" && again.status == 409,
		Verdict: "Logged out, for good",
		Steps: []string{
			"A request of " + before.User + " read the session, and took its time.",
			"Meanwhile the visitor logged out.",
			"Then the request wrote. Its change was dropped.",
			"To the site, the cookie is now that of " + nameOf(after.User) + ".",
			fmt.Sprintf("Another request with it wanted to write. The answer was %d.", again.status),
		},
		Events: st.events(before.ID),
	}
}

// provePlanted signs a visitor in with a cookie that a thief has, too.
func provePlanted(st *stage) result {
	thief := st.robot(nil)
	planted := thief.count("")
	victim := st.robot(thief)
	login := victim.login()
	safe, robbed := victim.look(), thief.look()
	return result{
		Good:    login.setCookie && safe.User == "robot" && robbed.User == "",
		Verdict: "The thief gets nothing",
		Steps: []string{
			"A thief visited the site, got a cookie, and planted it in a visitor's browser.",
			"The visitor signed in with it. The login replaced the secret in the cookie.",
			"To the site, the visitor is now " + nameOf(safe.User) + ".",
			"The thief, with the cookie from before, is " + nameOf(robbed.User) + ".",
		},
		Events: st.events(planted.ID),
	}
}

// proveStale writes with the cookie from before a login.
func proveStale(st *stage) result {
	visitor := st.robot(nil)
	before := visitor.count("")
	tab := st.robot(visitor)
	visitor.login()
	stale := tab.count("")
	after := visitor.look()
	return result{
		Good:    stale.status == 409 && !stale.setCookie && after.User == "robot" && after.Count == 1,
		Verdict: "The login stands",
		Steps: []string{
			"A visitor had two tabs open, and signed in in one.",
			fmt.Sprintf("The other wrote with the cookie from before. The answer was %d, without a cookie.", stale.status),
			"To the site, the visitor is " + nameOf(after.User) + ", with the data as it was.",
		},
		Events: st.events(before.ID),
	}
}

func nameOf(user string) string {
	if user == "" {
		return "nobody"
	}
	return user
}
