-- What each version did, by the minute (step 60) and by the quarter of an hour (900).
-- `at` is where the stretch begins, seconds since the epoch. A version is known by its
-- name, which never comes back, so that its figures outlive it; '' are requests that
-- reached no version.

CREATE TABLE figures (
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    at INTEGER NOT NULL,
    version TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (service_id, step, at, version)
) WITHOUT ROWID;

CREATE INDEX figures_by_time ON figures (step, at);

-- How often all versions were looked at: without a row no daemon ran.
CREATE TABLE figure_looks (
    step INTEGER NOT NULL,
    at INTEGER NOT NULL,
    looks INTEGER NOT NULL,
    PRIMARY KEY (step, at)
) WITHOUT ROWID;
