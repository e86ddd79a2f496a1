package stress

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	session "github.com/gostateful/session/core"
)

// A punctual store reports calls that have no deadline, or outlast it.
type punctual struct {
	store session.Store
	t     testing.TB
}

func (p *punctual) in(ctx context.Context, method string) func() {
	return func() {
		deadline, ok := ctx.Deadline()
		assert.True(p.t, ok, "%s without a deadline", method)
		assert.Less(p.t, time.Since(deadline), margin, "%s outlasts its context", method)
	}
}

func (p *punctual) Load(ctx context.Context, id session.ID) (session.Record, error) {
	defer p.in(ctx, "Load")()
	return p.store.Load(ctx, id)
}

func (p *punctual) Create(ctx context.Context, r session.Record) error {
	defer p.in(ctx, "Create")()
	return p.store.Create(ctx, r)
}

func (p *punctual) Update(ctx context.Context, r session.Record) error {
	defer p.in(ctx, "Update")()
	return p.store.Update(ctx, r)
}

func (p *punctual) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	defer p.in(ctx, "Touch")()
	return p.store.Touch(ctx, id, expiresAt)
}

func (p *punctual) Delete(ctx context.Context, id session.ID) error {
	defer p.in(ctx, "Delete")()
	return p.store.Delete(ctx, id)
}

func (p *punctual) List(ctx context.Context, subject string) ([]session.Record, error) {
	defer p.in(ctx, "List")()
	return p.store.List(ctx, subject)
}

func (p *punctual) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	defer p.in(ctx, "DeleteAll")()
	return p.store.DeleteAll(ctx, subject, except...)
}
