-- When each version was last active: by the monotonic clock of the boot it names, so that
-- its time towards sleep goes on over a restart of the daemon. `wall` is for people.

CREATE TABLE activity (
    version_id TEXT PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
    boot TEXT NOT NULL,
    monotonic REAL NOT NULL,
    wall REAL NOT NULL,
    busy INTEGER NOT NULL
) WITHOUT ROWID;
