-- Documents are JSON of the values in core/model.py. Columns beside them exist
-- only to be searched, sorted or kept unique.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE services (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE versions (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (service_id, number)
);

-- The claim that makes a domain belong to one service; its details are in the
-- service's document.
CREATE TABLE domains (
    name TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE INDEX domains_of_service ON domains (service_id);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    unfinished INTEGER NOT NULL,
    created REAL NOT NULL,
    document TEXT NOT NULL
);

CREATE INDEX deployments_of_service ON deployments (service_id, created);
CREATE INDEX deployments_by_time ON deployments (created);
CREATE INDEX deployments_unfinished ON deployments (created) WHERE unfinished;

-- The audit history outlives its service, so it refers to it by name.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT,
    document TEXT NOT NULL
);

CREATE INDEX events_of_service ON events (service, id);
