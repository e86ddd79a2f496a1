package session

import (
	"fmt"
	"time"

	"github.com/gostateful/session/core/internal/dbsc"
)

// Heed reads from the header of the request whether the browser failed to refresh the
// cookie of a bound session. Such a request has no cookie, but is not taken for one of
// a visitor without a session: see [Device]. The header is an [http.Header], or any
// other type with this method. Heed reads it at once and keeps the strings. Call Heed
// after Begin. Without [Options.Device] it does nothing.
func (x *Exchange) Heed(header interface{ Values(name string) []string }) {
	if x.engine.opts.Device.Path != "" {
		x.skipped = header.Values(dbsc.Skipped)
	}
}

// heedSkips looks whether the browser has said that it comes without the cookie of a
// bound session, if no cookie opened one. Then only a login is possible. If the refresh
// failed, that may be because the session's data cannot be decoded.
func (v *visit) heedSkips(lines []string) {
	if len(lines) == 0 || v.base.proof.opens() || v.refusal.err != nil {
		return
	}
	for _, skip := range dbsc.Skips(lines) {
		switch cookie := dbsc.Cookie(skip.Identifier); {
		case !v.engine.carries(carrierKey(cookie)):
		case skip.Reason == "unreachable" || skip.Reason == "server_error":
			v.refuse(unavailable("load", fmt.Errorf("the browser could not refresh the cookie %s: %s", cookie, skip.Reason)))
			return
		default:
			v.base.proof = superseded
			v.refusal = refusal{err: ErrSuperseded, until: time.Now().Add(v.engine.opts.StragglerWindow)}
		}
	}
}
