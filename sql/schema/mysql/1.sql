-- Sessions in MySQL, 8.0 or later, or MariaDB, 10.6 or later. The store makes this by
-- Migrate; or copy it into the migrations of your own, and rename the table there if the
-- store has Options.Table.

CREATE TABLE `sessions` (
	id         BINARY(16) NOT NULL PRIMARY KEY, -- a UUID; as text it would take twice the room
	version    BIGINT     NOT NULL,             -- counts updates
	expires_at BIGINT     NOT NULL,             -- in milliseconds since 1970: no time zone plays a part
	-- Whose session it is, with the realm before it; NULL before login and after logout. Binary, as a collation would take
	-- one user for another: by case, by accents, by spaces at the end.
	subject    VARBINARY(255),
	data       LONGBLOB   NOT NULL,             -- only the engine reads it; no size at which a lax sql_mode cuts it off

	-- For "your devices" and logging out everywhere.
	KEY subject (subject),

	-- For Sweep, which goes by it to what has expired and to nothing else. It follows
	-- each use of a session. A column of the hour, as the other databases have it, saved
	-- that, but had every sweep read all rows that expire within the hour.
	KEY expires_at (expires_at)
)
-- By the comment the store knows which version of the schema it has before it. Keep it.
ENGINE = InnoDB COMMENT = 'session_sql_schema_1';
