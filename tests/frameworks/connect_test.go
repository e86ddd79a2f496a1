package frameworks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
)

const procedure = "/visits.v1.Visits/Count"

func connectGo(visits *session.Manager[Visit]) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(procedure, connect.NewUnaryHandler(procedure,
		func(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
			s, err := visits.Get(ctx)
			if err != nil {
				return nil, connectError(err)
			}
			if err := s.Update(count); err != nil {
				return nil, connectError(err)
			}
			return connect.NewResponse(wrapperspb.String(fmt.Sprint("visit ", s.Data().N))), nil
		}))
	return http.NewCrossOriginProtection().Handler(nethttp.Middleware(visits, nil)(mux))
}

// connectError turns an error of a session into a code and a text that is fit for clients.
func connectError(err error) error {
	code := map[int]connect.Code{503: connect.CodeUnavailable, 409: connect.CodeAborted}[session.HTTPStatus(err)]
	if code == 0 {
		code = connect.CodeInternal
	}
	return connect.NewError(code, errors.New("cannot keep your session"))
}

func TestConnect(t *testing.T) {
	si := newSite(t)
	counts(t, si, connectGo(si.Manager), func(client *http.Client, url string) (int, string) {
		resp, err := client.Post(url+procedure, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		return read(t, resp)
	})
}

// TestConnectCommit: a client that speaks gRPC or Connect understands the answer to a
// commit that failed.
func TestConnectCommit(t *testing.T) {
	for name, opts := range map[string][]connect.ClientOption{"Connect": nil, "gRPC-Web": {connect.WithGRPCWeb()}} {
		si := newSite(t)
		handler := connectGo(si.Manager)
		counts := newServer(t, handler)
		client := connect.NewClient[emptypb.Empty, wrapperspb.StringValue](http.DefaultClient, counts+procedure, opts...)
		si.store.Lose()
		_, err := client.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
		assert.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%s: %v", name, err)
	}
}
