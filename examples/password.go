package main

import (
	"context"
	"net/http"

	"golang.org/x/crypto/bcrypt"
)

func (s *site) passwordPage(ctx context.Context, v *visit, r *request) (answer, error) {
	return s.show(ctx, v, r, "password", "Change your password", nil)
}

// changePassword ends the visitor's other sessions, and renews the secret of this one.
func (s *site) changePassword(ctx context.Context, v *visit, r *request) (answer, error) {
	password := r.field("password")
	if len(password) < 8 || len(password) > 72 { // bcrypt takes no more
		return answer{}, problem{http.StatusBadRequest, "A password has 8 to 72 characters."}
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return answer{}, err
	}
	ended, err := s.users.change(ctx, v.Subject(), hash, v.ID())
	if err != nil {
		return answer{}, err
	}
	if err := v.Renew(); err != nil {
		return answer{}, err
	}
	return redirect("/account"), tell(v, "Your password is changed. Other devices signed out: %d.", ended)
}
