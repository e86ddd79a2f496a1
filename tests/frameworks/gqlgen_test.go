package frameworks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

func gqlgen(visits *session.Manager[Visit], schema graphql.ExecutableSchema) http.Handler {
	server := handler.New(schema)
	server.AddTransport(transport.POST{})
	return http.NewCrossOriginProtection().Handler(nethttp.Middleware(visits, nil)(server))
}

// A resolver is what gqlgen calls for a field.
type resolver struct{ visits *session.Manager[Visit] }

func (r *resolver) Visit(ctx context.Context) (string, error) {
	s, err := r.visits.Get(ctx)
	if err != nil {
		return "", errors.New("cannot keep your session") // err may name the store, and clients see this
	}
	if err := s.Update(count); err != nil {
		return "", errors.New("cannot keep your session") // err may name the store, and clients see this
	}
	return fmt.Sprint("visit ", s.Data().N), nil
}

// schema is what gqlgen generates: it calls the resolver.
func (r *resolver) schema() graphql.ExecutableSchema {
	parsed := gqlparser.MustLoadSchema(&ast.Source{Input: "type Query { visit: String! }"})
	return &graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return parsed },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			text, err := r.Visit(ctx)
			if err != nil {
				return graphql.OneShot(graphql.ErrorResponse(ctx, "%s", err))
			}
			data, err := json.Marshal(map[string]string{"visit": text})
			if err != nil {
				return graphql.OneShot(graphql.ErrorResponse(ctx, "%s", err))
			}
			return graphql.OneShot(&graphql.Response{Data: data})
		},
	}
}

func TestGqlgen(t *testing.T) {
	si := newSite(t)
	counts(t, si, gqlgen(si.Manager, (&resolver{si.Manager}).schema()), func(client *http.Client, url string) (int, string) {
		resp, err := client.Post(url, "application/json", strings.NewReader(`{"query":"{ visit }"}`))
		require.NoError(t, err)
		status, body := read(t, resp)
		if strings.Contains(body, "cannot keep your session") { // GraphQL says so with 200
			status = 503
		}
		return status, body
	})
}
