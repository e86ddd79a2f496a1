package frameworks_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

type answer struct {
	Body struct{ Text string }
}

func humaAPI(visits *session.Manager[Visit]) http.Handler {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Visits", "1.0.0"))
	huma.Get(api, "/visits", func(ctx context.Context, _ *struct{}) (*answer, error) {
		s, err := visits.Get(ctx)
		if err != nil {
			return nil, huma.NewError(session.HTTPStatus(err), "cannot keep your session")
		}
		if err := s.Update(count); err != nil {
			return nil, huma.NewError(session.HTTPStatus(err), "cannot keep your session")
		}
		a := &answer{}
		a.Body.Text = fmt.Sprint("visit ", s.Data().N)
		return a, nil
	})
	return nethttp.Middleware(visits, nil)(mux)
}

func TestHuma(t *testing.T) {
	si := newSite(t)
	counts(t, si, humaAPI(si.Manager), get(t, "/visits"))
}
