package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	session "github.com/gostateful/session/core"
)

// A stage is where a proof is played. Its first error ends the proof.
type stage struct {
	ctx   context.Context
	fail  context.CancelCauseFunc
	site  *site
	began time.Time
	cast  []*robot
}

func (s *site) newStage(ctx context.Context) *stage {
	ctx, fail := context.WithCancelCause(ctx)
	return &stage{ctx: ctx, fail: fail, site: s, began: time.Now()}
}

// check fails the proof if there is an error.
func (st *stage) check(err error) {
	if err != nil {
		st.fail(err)
	}
}

// leave logs all robots out, so that they leave nothing behind.
func (st *stage) leave() {
	for _, r := range st.cast {
		r.post("/logout")
	}
}

// events are what the server reported of a session.
func (st *stage) events(id session.ID) []string { return st.site.events.of(st.began, id) }

// A robot is a visitor of the proofs: a browser with cookies of its own. It sends
// real requests to the site.
type robot struct {
	*stage
	site   *url.URL
	client http.Client
}

// robot returns a robot with the cookies of another, or with none.
func (st *stage) robot(like *robot) *robot {
	at, err := url.Parse(st.site.address)
	st.check(err)
	jar, err := cookiejar.New(nil)
	st.check(err)
	if like != nil {
		jar.SetCookies(at, like.client.Jar.Cookies(at))
	}
	r := &robot{st, at, http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	st.cast = append(st.cast, r)
	return r
}

// A reply is what a robot gets.
type reply struct {
	status    int
	setCookie bool
	sight
}

// post submits a form: names and values in turn.
func (r *robot) post(path string, form ...string) (got reply) {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	got, err := r.send(path, values)
	r.check(err)
	return got
}

func (r *robot) send(path string, form url.Values) (got reply, err error) {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.site.JoinPath(path).String(), strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", "Robot")
	resp, err := r.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return reply{}, problem{resp.StatusCode, "A visitor of the proof was not served. Is the store stopped?"}
	}
	got = reply{status: resp.StatusCode, setCookie: resp.Header.Get("Set-Cookie") != ""}
	if resp.Header.Get("Content-Type") == "application/json" {
		err = json.NewDecoder(resp.Body).Decode(&got.sight)
	}
	return got, err
}

func (r *robot) login() reply {
	return r.post("/login", "name", "robot", "password", passwords["robot"])
}

// look shows who the robot is to the site.
func (r *robot) look() reply { return r.post("/proofs/look") }

// count adds one to a number. With the name of a hold, it waits there first.
func (r *robot) count(hold string) reply { return r.post("/proofs/count", "hold", hold) }
