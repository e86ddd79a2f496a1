package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	session "github.com/gostateful/session/core"
)

// A proof is a button on the page of proofs.
type proof struct {
	Name   string
	Title  string
	Risk   string // what goes wrong elsewhere
	Button string
	Run    func(*stage) result
}

// A result says what a proof has seen.
type result struct {
	Good    bool
	Verdict string
	Steps   []string
	Events  []string // what the server reported of the session
}

var proofs = []proof{
	{"count", "50 requests at once", "Each adds one. If each writes what it has read, all but one are lost.", "Send 50 requests", proveCount},
	{"logout", "Logout under a slow writer", "A slow request saves its session after the logout, and the visitor is logged in again.", "Log out under a writer", proveLogout},
	{"planted", "A planted cookie", "A thief gives a visitor a cookie, and waits until the visitor signs in with it.", "Plant a cookie", provePlanted},
	{"stale", "A stale tab after login", "A tab that still has the old cookie writes, and undoes the login.", "Write from a stale tab", proveStale},
}

// A proofsPage is what the page of that name shows.
type proofsPage struct {
	Proofs  []proof
	Stopped bool
	Ran     string // name of the proof that has a result
	Result  result
}

func (s *site) proofsPage(ctx context.Context, v *visit, r *request) (answer, error) {
	return s.showProofs(ctx, v, r, "", result{})
}

func (s *site) showProofs(ctx context.Context, v *visit, r *request, ran string, res result) (answer, error) {
	return s.show(ctx, v, r, "proofs", "Proofs", proofsPage{proofs, s.store.isStopped(), ran, res})
}

// runProof runs a proof, with visitors that the server plays itself.
func (s *site) runProof(ctx context.Context, v *visit, r *request) (answer, error) {
	for _, p := range proofs {
		if p.Name != r.field("proof") {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, 2*time.Minute) // for a machine that does much else
		defer cancel()
		st := s.newStage(limited)
		res := p.Run(st)
		st.leave()
		if err := context.Cause(st.ctx); err != nil {
			return answer{}, fmt.Errorf("proof %s: %w", p.Name, err)
		}
		return s.showProofs(ctx, v, r, p.Name, res)
	}
	return answer{}, problem{http.StatusBadRequest, "There is no such proof."}
}

// stopStore stops the store for all visitors. The page that comes next shows it.
func (s *site) stopStore(context.Context, *request) (answer, error) {
	s.store.stop()
	return redirect("/"), nil
}

// startStore asks for no session before the store is started.
func (s *site) startStore(ctx context.Context, r *request) (answer, error) {
	since, refused := s.store.start()
	return s.with(func(ctx context.Context, v *visit, r *request) (answer, error) {
		return s.showProofs(ctx, v, r, "store", result{
			Good:    true,
			Verdict: "It works again, and nothing is lost.",
			Steps: []string{
				fmt.Sprintf("The store refused %d calls.", refused),
				"A page that needs a session was answered with 503, and when to come again.",
				"Nobody was logged out, and nobody got an empty session.",
			},
			Events: s.events.of(since, v.ID()),
		})
	})(ctx, r)
}

// What the visitors of the proofs do.

// count adds one to a number. With a hold, it waits between reading and writing.
func (s *site) count(ctx context.Context, v *visit, r *request) (answer, error) {
	s.holds.wait(r.field("hold"))
	if err := v.Update(func(d *visitor) error { d.Count++; return nil }); err != nil {
		return answer{}, err
	}
	return s.look(ctx, v, r)
}

// A sight is what a visitor of the proofs gets to see.
type sight struct {
	ID    session.ID
	User  string
	Count int
}

func (s *site) look(_ context.Context, v *visit, _ *request) (answer, error) {
	text, err := json.Marshal(sight{v.ID(), v.Subject(), v.Data().Count})
	return newAnswer(http.StatusOK, "application/json", text), err
}
