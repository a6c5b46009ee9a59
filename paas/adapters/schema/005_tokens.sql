-- Who may come in. Tokens and session cookies are in the documents as SHA-256, passwords
-- as scrypt; nothing here lets anyone in.

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    document TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE users (
    name TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL
) WITHOUT ROWID;
