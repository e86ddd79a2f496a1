// Package rpcstore lets several processes share a session.Store that lives in
// one of them, over net/rpc. It is for tests: nobody is asked who they are.
package rpcstore

import (
	"context"
	"errors"
	"net"
	"net/rpc"
	"time"

	"github.com/gostateful/session/core"
)

// Serve answers the clients of a listener from a store until it is closed.
func Serve(l net.Listener, store session.Store) error {
	server := rpc.NewServer()
	if err := server.RegisterName("Store", &service{store}); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go server.ServeConn(conn)
	}
}

// A Request holds the arguments of any method.
type Request struct {
	Deadline  time.Time // zero: none
	ID        session.ID
	Record    session.Record
	ExpiresAt time.Time
	Subject   string
	Except    []session.ID
}

// A Reply holds the results of any method.
type Reply struct {
	Record  session.Record
	Records []session.Record
	N       int
	Failed  bool
	Text    string // of the error
	Named   int    // 1 + its index in named; zero: none of them
}

// named are the errors that a caller tests for.
var named = []error{
	session.ErrNotFound, session.ErrExists, session.ErrConflict, context.Canceled, context.DeadlineExceeded,
}

// service is the side of the store, with the method signatures of net/rpc.
type service struct{ store session.Store }

func (s *service) Load(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) (err error) {
		r.Record, err = s.store.Load(ctx, q.ID)
		return err
	})
}

func (s *service) Create(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) error { return s.store.Create(ctx, q.Record) })
}

func (s *service) Update(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) error { return s.store.Update(ctx, q.Record) })
}

func (s *service) Touch(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) error { return s.store.Touch(ctx, q.ID, q.ExpiresAt) })
}

func (s *service) Delete(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) error { return s.store.Delete(ctx, q.ID) })
}

func (s *service) List(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) (err error) {
		r.Records, err = s.store.List(ctx, q.Subject)
		return err
	})
}

func (s *service) DeleteAll(q *Request, r *Reply) error {
	return answer(q, r, func(ctx context.Context) (err error) {
		r.N, err = s.store.DeleteAll(ctx, q.Subject, q.Except...)
		return err
	})
}

// answer makes a call to the store. Its error travels in the reply, since
// net/rpc would make it a string.
func answer(q *Request, r *Reply, call func(context.Context) error) error {
	ctx := context.Background()
	if !q.Deadline.IsZero() {
		bounded, cancel := context.WithDeadline(ctx, q.Deadline)
		defer cancel()
		ctx = bounded
	}
	err := call(ctx)
	if err == nil {
		return nil
	}
	r.Failed, r.Text = true, err.Error()
	for i, name := range named {
		if errors.Is(err, name) {
			r.Named = i + 1
			break
		}
	}
	return nil
}

// A Store is the client's side. It is a session.Store.
type Store struct{ client *rpc.Client }

// New returns a store over a connection to Serve, which stays the caller's.
func New(client *rpc.Client) *Store { return &Store{client} }

func (s *Store) Load(ctx context.Context, id session.ID) (session.Record, error) {
	r, err := s.call(ctx, "Load", &Request{ID: id})
	return r.Record, err
}

func (s *Store) Create(ctx context.Context, rec session.Record) error {
	_, err := s.call(ctx, "Create", &Request{Record: rec})
	return err
}

func (s *Store) Update(ctx context.Context, rec session.Record) error {
	_, err := s.call(ctx, "Update", &Request{Record: rec})
	return err
}

func (s *Store) Touch(ctx context.Context, id session.ID, expiresAt time.Time) error {
	_, err := s.call(ctx, "Touch", &Request{ID: id, ExpiresAt: expiresAt})
	return err
}

func (s *Store) Delete(ctx context.Context, id session.ID) error {
	_, err := s.call(ctx, "Delete", &Request{ID: id})
	return err
}

func (s *Store) List(ctx context.Context, subject string) ([]session.Record, error) {
	r, err := s.call(ctx, "List", &Request{Subject: subject})
	return r.Records, err
}

func (s *Store) DeleteAll(ctx context.Context, subject string, except ...session.ID) (int, error) {
	r, err := s.call(ctx, "DeleteAll", &Request{Subject: subject, Except: except})
	return r.N, err
}

// call waits for the answer or for ctx, whichever comes first. In the latter
// case the other side may still do what it was asked, as with any network.
func (s *Store) call(ctx context.Context, method string, q *Request) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, err
	}
	q.Deadline, _ = ctx.Deadline()
	var r Reply // net/rpc writes to it until done, so it is read only then
	call := s.client.Go("Store."+method, q, &r, make(chan *rpc.Call, 1))
	select {
	case <-ctx.Done():
		return Reply{}, ctx.Err()
	case <-call.Done:
	}
	switch {
	case call.Error != nil:
		return Reply{}, call.Error
	case r.Named > 0:
		return r, &remoteError{r.Text, named[r.Named-1]}
	case r.Failed:
		return r, errors.New(r.Text)
	}
	return r, nil
}

// A remoteError has the text of the store's error and is the error it was.
type remoteError struct {
	text string
	name error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.name }
