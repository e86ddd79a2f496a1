-- Sessions in SQLite, 3.37 or later. The store makes this by Migrate; or copy it into
-- the migrations of your own, and rename the table and its indexes there if the store has
-- Options.Table.

CREATE TABLE "sessions" (
	id           BLOB    NOT NULL PRIMARY KEY, -- the 16 bytes of a UUID
	version      INTEGER NOT NULL,             -- counts updates
	expires_at   INTEGER NOT NULL,             -- in milliseconds since 1970
	expires_hour INTEGER GENERATED ALWAYS AS (expires_at / 3600000) VIRTUAL,
	subject      TEXT,                         -- whose session it is, with the realm before it; NULL before login and after logout
	data         BLOB    NOT NULL,             -- only the engine reads it

	-- By this name the store knows which version of the schema it has before it. Keep it.
	CONSTRAINT session_sql_schema_1 CHECK (length(id) = 16)
) STRICT;

-- For "your devices" and logging out everywhere. Only who has logged in is in it.
CREATE INDEX "sessions_subject" ON "sessions" (subject) WHERE subject IS NOT NULL;

-- For Sweep. An index on expires_at itself would have to follow each use of a session;
-- the hour changes once an hour at most.
CREATE INDEX "sessions_expires_hour" ON "sessions" (expires_hour);
