-- Sessions in PostgreSQL, 12 or later. The store makes this by Migrate; or copy
-- it into the migrations of your own, and rename the table and its indexes there if
-- the store has Options.Table.

CREATE TABLE "sessions" (
	id           uuid   NOT NULL PRIMARY KEY,
	version      bigint NOT NULL,          -- counts updates
	expires_at   bigint NOT NULL,          -- in milliseconds since 1970: no time zone plays a part
	expires_hour bigint NOT NULL GENERATED ALWAYS AS (expires_at / 3600000) STORED,
	subject      text   COLLATE "C",       -- whose session it is, with the realm before it; NULL before login and after logout
	data         bytea  NOT NULL           -- only the engine reads it
)
-- An update that changes no indexed column puts the new row beside the old one, without
-- touching an index (HOT), if its page has room. The use of a session is such an update.
WITH (fillfactor = 80);

-- For "your devices" and logging out everywhere. "C" is compared byte for byte, and an
-- index in it survives an upgrade of the system's collations. Only who has logged in is in it.
CREATE INDEX "sessions_subject" ON "sessions" (subject) WHERE subject IS NOT NULL;

-- For Sweep. An index on expires_at itself would have to follow each use of a session,
-- and cost HOT; the hour changes once an hour at most.
CREATE INDEX "sessions_expires_hour" ON "sessions" (expires_hour);

-- By this the store knows which version of the schema it has before it. Keep it.
COMMENT ON TABLE "sessions" IS 'session_sql_schema_1';
