package sql_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostateful/session/tests/support/gotool"
)

// later are versions of the schema to come. Some can be applied again and some
// cannot: whoever does the first again after the second has to be held back.
var later = map[string][]string{
	"postgres": {
		`CREATE INDEX IF NOT EXISTS "sessions_second" ON "sessions" (version);` + "\n" +
			`COMMENT ON TABLE "sessions" IS 'session_sql_schema_2';` + "\n",
		`ALTER TABLE "sessions" ADD COLUMN note text;` + "\n" +
			`COMMENT ON TABLE "sessions" IS 'session_sql_schema_3';` + "\n",
	},
	"mysql": {
		"ALTER TABLE `sessions` MODIFY COLUMN version BIGINT NOT NULL, COMMENT = 'session_sql_schema_2';\n",
		"ALTER TABLE `sessions` ADD COLUMN note TEXT, COMMENT = 'session_sql_schema_3';\n",
	},
	"sqlite": {
		`ALTER TABLE "sessions" ADD COLUMN second TEXT CONSTRAINT session_sql_schema_2 CHECK (second <> '');` + "\n",
		`ALTER TABLE "sessions" ADD COLUMN third TEXT CONSTRAINT session_sql_schema_3 CHECK (third <> '');` + "\n" +
			`CREATE INDEX "sessions_third" ON "sessions" (third);` + "\n",
	},
}

// TestUpgrade runs an application before and after its module knew later versions of
// the schema.
func TestUpgrade(t *testing.T) {
	old := gotool.Build(t, "tests/sql/upgrade")
	newer := buildLater(t)
	for _, e := range engines {
		if e.name == sqlites[1].name {
			continue // the application has the other driver
		}
		t.Run(e.name, func(t *testing.T) {
			dialect, dsn := strings.ToLower(e.dialect.String()), e.start(t)
			run := func(program string, args ...string) (string, error) {
				out, err := exec.Command(program, append([]string{dialect, dsn}, args...)...).CombinedOutput()
				return string(out), err
			}
			succeed := func(program string, args ...string) string {
				t.Helper()
				out, err := run(program, args...)
				require.NoError(t, err, "%v: %s", args, out)
				return out
			}
			refuse := func(want, program string, args ...string) {
				t.Helper()
				out, err := run(program, args...)
				assert.Error(t, err, args)
				assert.Contains(t, out, want, args)
			}

			succeed(old, "migrate")
			id := succeed(old, "create")
			const needs = "has version 1 of the schema, and this program needs 3: call Migrate once at the start, or apply the files after schema/"
			refuse(needs+dialect+"/1.sql", newer, "load", id)
			refuse(needs+dialect+"/1.sql", newer, "create")
			assert.Equal(t, "alice", succeed(old, "load", id), "the old program goes on meanwhile")

			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					out, err := run(newer, "migrate")
					assert.NoError(t, err, out)
				})
			}
			all.Wait()
			assert.Equal(t, "alice", succeed(newer, "load", id), "a session from before the upgrade")
			succeed(newer, "migrate")
			succeed(newer, "create")
			const knows = "has version 3 of the schema, and this program knows 1: give it a newer module"
			refuse(knows, old, "load", id)
			refuse(knows, old, "migrate")
		})
	}
}

// buildLater builds the application with the later versions.
func buildLater(t *testing.T) (binary string) {
	t.Helper()
	dir, root := t.TempDir(), gotool.Root(t)
	replace := map[string]string{}
	for dialect, texts := range later {
		for i, text := range texts {
			name := strconv.Itoa(i+2) + ".sql"
			file := filepath.Join(dir, dialect+name)
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			replace[filepath.Join(root, "sql", "schema", dialect, name)] = file
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	binary = filepath.Join(dir, "later")
	gotool.Run(t, root, filepath.Join(root, "go.work"), "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./tests/sql/upgrade")
	return binary
}
