package explore

import session "github.com/gostateful/session/core"

// A browser has a jar with room for one cookie.
type browser struct {
	n      int
	cookie string // its name
	token  string
	sum    uint64     // names the token by the response that brought it
	flight []response // on their way, or lost
	first  session.ID // the session that it had before the schedule
	device device
	heard  uint64 // sums up what its device was told
	copied bool   // its cookie is a copy of another browser's
}

// A response is on its way, and has a cookie to set or, if empty, to clear.
type response struct {
	actor  int
	cookie string
	token  string
	sum    uint64
	news   news
}

// deliver lets the response to an actor arrive.
func (b *browser) deliver(w *world, actor int) {
	for i, r := range b.flight {
		if r.actor == actor {
			b.cookie, b.token, b.sum = r.cookie, r.token, r.sum
			if r.news != (news{}) {
				b.device.hears(r.news)
				b.heard = mix(b.heard, r.sum)
			}
			b.flight = append(b.flight[:i:i], b.flight[i+1:]...)
			w.progress = mix(w.progress, 'v', r.sum)
			return
		}
	}
}

// receive lets all responses arrive, in their order.
func (b *browser) receive(w *world) {
	for len(b.flight) > 0 {
		b.deliver(w, b.flight[0].actor)
	}
}

// An issue is what is known of a token that a response carried.
type issue struct {
	id      session.ID
	browser int
	at      int    // in the order of the history
	secret  string // its name in the history
}
