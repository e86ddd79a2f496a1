package sessionsql

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Each file brings the schema to the version in its name. It is applied whole
// or not at all, because it runs in a transaction. In MySQL, where DDL is not
// part of a transaction, it is a single statement.
//
//go:embed schema/*/*.sql
var files embed.FS

// upgrades returns the files of a dialect, in order.
func (d Dialect) upgrades() []string {
	var texts []string
	for {
		text, err := files.ReadFile(path.Join("schema", strings.ToLower(d.String()), strconv.Itoa(len(texts)+1)+".sql"))
		if err != nil {
			return texts
		}
		texts = append(texts, string(text))
	}
}

// Migrate makes the table, or brings an older one up to date. It is no error if
// the table is up to date already, or if other processes do the same at the
// same time.
//
// The schema of Options.Schema must exist. The user of the database needs the
// right to create tables. The other methods do not need it. To keep that right
// from the application, apply the files in schema yourself.
func (s *Store) Migrate(ctx context.Context) error {
	return failed("migrate", s.name, s.migrate(ctx))
}

func (s *Store) migrate(ctx context.Context) error {
	if s.tx != nil {
		return errors.New("Migrate has transactions of its own: call it on the store that New returned")
	}
	upgrades := s.dialect.upgrades()
	for {
		at, err := s.version(ctx)
		if err != nil || at == len(upgrades) {
			return err
		}
		err = s.repeat(ctx, false, func() error { return s.apply(ctx, at, upgrades[at]) })
		if err == nil {
			continue
		}
		if now, versionErr := s.version(ctx); versionErr != nil || now == at {
			return err
		}
		// Another process was faster.
	}
}

// apply executes the statements of a file on a table that has the version
// before, unless another process has done so.
func (s *Store) apply(ctx context.Context, before int, file string) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	err = s.applyIn(ctx, tx, before, file)
	if s.dialect == MySQL && before > 0 {
		if _, releaseErr := tx.ExecContext(context.WithoutCancel(ctx), `DO RELEASE_LOCK('session_sql_schema')`); err == nil {
			err = releaseErr
		}
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) applyIn(ctx context.Context, tx *sql.Tx, before int, file string) error {
	if before > 0 { // a table can be created only once
		if _, err := tx.ExecContext(ctx, s.expand(alone[s.dialect]).text); err != nil {
			return err
		}
		if now, err := s.In(tx).version(ctx); err != nil || now != before {
			return err
		}
	}
	for _, text := range strings.SplitAfter(file, ";\n") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, s.rename(text)); err != nil {
			return err
		}
	}
	return nil
}

// alone makes a process wait until no other process is changing the schema.
var alone = map[Dialect]string{
	Postgres: `LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE`,
	MySQL:    `DO GET_LOCK('session_sql_schema', 1000000)`, // ALTER TABLE would end a lock of the transaction
	SQLite:   `DELETE FROM {table} WHERE 0`,
}

// rename puts the names of this table into a statement. The comments of the
// file must have none of the names, because a name may span lines.
func (t *table) rename(file string) string {
	q := t.dialect.quote
	index := func(suffix string) string { // SQLite alone wants the schema of an index
		if t.dialect == SQLite {
			return q(t.schema, t.name+suffix)
		}
		return q(t.name + suffix)
	}
	on := t.quoted
	if t.dialect == SQLite {
		on = q(t.name) // SQLite takes it to be in the schema of the index
	}
	return strings.NewReplacer(
		` ON "sessions" `, " ON "+on+" ",
		q("sessions"), t.quoted,
		q("sessions_subject"), index("_subject"),
		q("sessions_expires_hour"), index("_expires_hour"),
	).Replace(file)
}

var mark = regexp.MustCompile(`\bsession_sql_schema_([0-9]{1,6})\b`)

// version returns the version of the table's schema, or zero if there is no
// table.
func (s *Store) version(ctx context.Context) (int, error) {
	if s.unfit != nil {
		return 0, s.unfit
	}
	text, args := `SELECT sql FROM `+s.dialect.quote(s.schema)+`.sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE`, []any{s.name}
	switch s.dialect {
	case Postgres:
		text = `SELECT obj_description(oid, 'pg_class') FROM pg_class WHERE oid = to_regclass($1)`
		args = []any{s.quoted}
	case MySQL:
		text = `SELECT table_comment FROM information_schema.tables WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?`
		args = []any{sql.NullString{String: s.schema, Valid: s.schema != ""}, s.name}
	}
	var marked sql.NullString
	err := s.repeat(ctx, true, func() error {
		if s.tx != nil {
			return s.tx.QueryRowContext(ctx, text, args...).Scan(&marked)
		}
		return s.db.QueryRowContext(ctx, text, args...).Scan(&marked)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the table %s in %s, the dialect that New was given: %w%s", s.quoted, s.dialect, err, s.hint(err))
	}
	version := 0
	for _, match := range mark.FindAllStringSubmatch(marked.String, -1) { // SQLite keeps the older marks too
		n, _ := strconv.Atoi(match[1])
		version = max(version, n)
	}
	if version == 0 {
		return 0, fmt.Errorf("the table %s is another program's, or has lost the mark of its version: see Options.Table, and the end of the file in schema/%s",
			s.quoted, strings.ToLower(s.dialect.String()))
	}
	if known := len(s.dialect.upgrades()); version > known {
		err = fmt.Errorf("the table %s has version %d of the schema, and this program knows %d: give it a newer module", s.quoted, version, known)
	}
	return version, err
}

// hint adds what drivers leave out: those of SQLite say that they cannot open a
// file, but not why.
func (t *table) hint(err error) string {
	const cannotOpen = 14
	if t.dialect != SQLite || number(err, "Code")&0xff != cannotOpen {
		return ""
	}
	return " (does its folder exist, and may this user write there?)"
}

// ready fails until the table exists in the version that this program knows.
// After that it asks no more.
func (s *Store) ready(ctx context.Context) error {
	if s.found.Load() {
		return nil
	}
	at, err := s.version(ctx)
	known := len(s.dialect.upgrades())
	switch {
	case err != nil:
		return err
	case at == 0:
		return fmt.Errorf("there is no table %s: call Migrate once at the start, or apply the files in schema/%s",
			cmp.Or(s.quoted, s.name), strings.ToLower(s.dialect.String()))
	case at < known:
		return fmt.Errorf("the table %s has version %d of the schema, and this program needs %d: call Migrate once at the start, or apply the files after schema/%s/%d.sql",
			s.quoted, at, known, strings.ToLower(s.dialect.String()), at)
	}
	s.found.Store(true)
	return nil
}
