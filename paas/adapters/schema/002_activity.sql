-- When each version last had a request (seconds since the epoch), so that the clock
-- towards freezing and stopping goes on over a restart.

CREATE TABLE activity (
    version_id TEXT PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
    last_active REAL NOT NULL
) WITHOUT ROWID;
