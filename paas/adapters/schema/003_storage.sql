-- Logins of image registries; `login` is sealed.

CREATE TABLE registries (
    host TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    login BLOB NOT NULL,
    created REAL NOT NULL
) WITHOUT ROWID;

-- What the engine holds because of us and bears no label of ours: only what is written
-- here may be removed. See core/holdings.py.

CREATE TABLE holdings (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    service TEXT NOT NULL,
    noted REAL NOT NULL,
    PRIMARY KEY (kind, id, name)
) WITHOUT ROWID;
