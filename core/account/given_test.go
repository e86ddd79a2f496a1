package account_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/core/account"
)

// TestGivenSession: guards and lists can be tested without a login page, with
// sessions of any age.
func TestGivenSession(t *testing.T) {
	si := newSite(t, nil)
	ask := func(h http.Handler, info session.Info[visit]) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/", nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(si.NewContext(r.Context(), info)))
		return w
	}
	recent := account.RequireLogin(si.Manager, account.Guard{Within: 10 * time.Minute})(http.NotFoundHandler())
	for ago, want := range map[time.Duration]int{0: 404, 9 * time.Minute: 404, 11 * time.Minute: 401, 100 * 24 * time.Hour: 401} {
		info := session.Info[visit]{Subject: "ann"}
		if ago > 0 {
			info.AuthenticatedAt, info.CreatedAt = time.Now().Add(-ago), time.Now()
		}
		if got := ask(recent, info).Code; got != want {
			t.Errorf("a login %v ago: got status %d, want %d", ago, got, want)
		}
	}

	ask(recent, session.Info[visit]{Subject: "bob", LastUsedAt: time.Now().Add(-time.Minute)})
	devices := account.Devices(si.Manager, account.Guard{}, nil)
	got := ask(devices, session.Info[visit]{Subject: "bob"}).Body.String()
	if strings.Count(got, `"id"`) != 2 || strings.Count(got, `"current":true`) != 1 || strings.Index(got, `"current":true`) > strings.Index(got, `"current":false`) {
		t.Errorf("the devices are %s, want two, the present one first", got)
	}
}

// TestLoginThatIsNotFresh: an older proof, as of a single sign-on or a
// remembered login, is not a recent login, however recent the call of Login.
func TestLoginThatIsNotFresh(t *testing.T) {
	si := newSite(t, nil)
	guard := account.Guard{Within: 10 * time.Minute}
	for ago, want := range map[time.Duration]error{time.Hour: account.ErrLoginTooOld, time.Minute: nil} {
		ctx := si.NewContext(t.Context(), session.Info[visit]{})
		s, err := si.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Login("ann", &session.LoginOptions{AuthenticatedAt: time.Now().Add(-ago)}); err != nil {
			t.Fatal(err)
		}
		var got error
		if refusal := account.Check(ctx, si.Manager, guard, account.Request{}); refusal != nil {
			got = refusal.Err
		}
		if got != want {
			t.Errorf("authenticated %v ago: got %v, want %v", ago, got, want)
		}
	}
}
