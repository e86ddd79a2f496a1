package sql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A spy stands between database/sql and a driver, and notes what is sent.
type spy struct {
	driver.Connector
	mu   sync.Mutex
	sent []string
	ran  []execution
	next error // of fail
}

// An execution is a statement and what it was given.
type execution struct {
	text string
	args []any
}

// spied opens a database with a spy on it.
func (e engine) spied(t testing.TB, dsn string) (*sql.DB, *spy) {
	t.Helper()
	plain, err := sql.Open(e.driver, dsn) // opens no connection
	require.NoError(t, err)
	defer plain.Close()
	connector, err := connectorOf(plain.Driver(), dsn)
	require.NoError(t, err)
	s := &spy{Connector: connector}
	db := sql.OpenDB(s)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db, s
}

func connectorOf(d driver.Driver, dsn string) (driver.Connector, error) {
	if d, ok := d.(driver.DriverContext); ok {
		return d.OpenConnector(dsn)
	}
	return dsnConnector{d, dsn}, nil
}

type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }

// take returns what was sent since it was last called: what was done, and the
// first word of the statement.
func (s *spy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.sent
	s.sent, s.ran = nil, nil
	return sent
}

// fail has the next prepared query fail.
func (s *spy) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = err
}

// failure is what a query gets, instead of being sent.
func (s *spy) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.next
	s.next = nil
	return err
}

// run notes that a statement was executed.
func (s *spy) run(text string, args []driver.NamedValue, err error) {
	s.note("run", text, err)
	if err == driver.ErrSkip {
		return
	}
	e := execution{text: text}
	for _, arg := range args {
		e.args = append(e.args, arg.Value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran = append(s.ran, e)
}

// note notes what was done, unless the driver wants to be asked in another way.
func (s *spy) note(what, text string, err error) {
	if err == driver.ErrSkip {
		return
	}
	word, _, _ := strings.Cut(text, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, what+" "+word)
}

func (s *spy) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &spiedConn{c, s}, nil
}

// A spiedConn passes on all that the drivers in use can do.
type spiedConn struct {
	driver.Conn
	spy *spy
}

func (c *spiedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	res, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args)
	c.spy.run(text, args, err)
	return res, err
}

func (c *spiedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args)
	c.spy.run(text, args, err)
	return rows, err
}

func (c *spiedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
	c.spy.note("prepare", text, err)
	if err != nil {
		return nil, err
	}
	return &spiedStmt{stmt, c, text}, nil
}

func (c *spiedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	c.spy.note("begin", "", err)
	return tx, err
}

func (c *spiedConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *spiedConn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.Conn.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type spiedStmt struct {
	driver.Stmt
	conn *spiedConn
	text string
}

func (s *spiedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	res, err := s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
	s.conn.spy.run(s.text, args, err)
	return res, err
}

func (s *spiedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.conn.spy.failure(); err != nil {
		return nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	s.conn.spy.run(s.text, args, err)
	return rows, err
}

func (s *spiedStmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

func (s *spiedStmt) Close() error {
	s.conn.spy.note("close", s.text, nil)
	return s.Stmt.Close()
}
