"""Brings the store's file to this release's schema before anything uses it.

Each migration is one transaction that also raises `user_version`, so a crash
leaves the old or the new schema. A database with content is copied first, to
`<file>.before-<n>`; the three newest copies are kept. Synchronous: run in a thread.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import paas
from paas.errors import Unavailable

KEPT_BACKUPS = 3
CONNECT_TIMEOUT = 5.0


def prepare(path: Path, scripts: Sequence[str] | None = None) -> None:
    """Create, check and migrate the database file.

    Raises `Unavailable` (`store_corrupt`, `newer_schema`) and `sqlite3.Error`.
    """
    scripts = _scripts() if scripts is None else scripts
    with closing(sqlite3.connect(path, timeout=CONNECT_TIMEOUT, isolation_level=None)) as db:
        path.chmod(0o600)
        _check(db, path)
        version = _version(db)
        if version > len(scripts):
            raise _newer(db)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if 0 < version < len(scripts):
            _back_up(db, path, version)
        for number in range(version + 1, len(scripts) + 1):
            _apply(db, number, scripts[number - 1])
        _sign(db)


def backups(path: Path) -> list[Path]:
    """Copies made before migrations and day by day, newest first."""
    found = [*_before_migrations(path), *path.parent.glob("backups/paas-*.db")]
    return sorted(found, key=lambda copy: copy.stat().st_mtime, reverse=True)


def corrupt(path: Path, problem: str) -> Unavailable:
    """The error for a damaged file, with what there is to restore it from."""
    good = next((copy for copy in backups(path) if _is_good(copy)), None)
    advice = (
        f"The last good backup is {good}. Put it in place with: "
        f"paas restore {good} --data-dir {path.parent} --force"
        if good is not None
        else f"There is no good copy in {path.parent}. Restore one of your own backups with: "
        f"paas restore FILE --data-dir {path.parent} --force"
    )
    return Unavailable(
        f"The database {path} is damaged: {problem}.", code="store_corrupt", advice=advice
    )


def _before_migrations(path: Path) -> list[Path]:
    found = (one for one in path.parent.glob(f"{path.name}.before-*") if one.suffix != ".part")
    return sorted(found, key=lambda copy: copy.stat().st_mtime, reverse=True)


def _is_good(copy: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(copy))}?mode=ro", uri=True)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False


def _scripts() -> list[str]:
    folder = resources.files("paas.adapters.schema")
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")),
        key=lambda item: item.name,
    )
    return [item.read_text(encoding="utf-8") for item in files]


def _check(db: sqlite3.Connection, path: Path) -> None:
    try:
        answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise corrupt(path, str(error)) from error
        raise
    if answer != "ok":
        raise corrupt(path, answer.replace("\n", " "))


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _newer(db: sqlite3.Connection) -> Unavailable:
    row = db.execute("SELECT value FROM meta WHERE key = 'release'").fetchone()
    writer = row[0] if row else "a newer release"
    return Unavailable(
        f"The database was written by paas {writer}, newer than this paas {paas.__version__}.",
        code="newer_schema",
        advice=f"Install paas {writer} or later, or restore a copy made before it: "
        "paas restore FILE --force, with a paas.db.before-… of the data directory.",
    )


def _back_up(db: sqlite3.Connection, path: Path, version: int) -> None:
    copy = path.with_name(f"{path.name}.before-{version + 1}")
    partial = copy.with_name(copy.name + ".part")
    partial.unlink(missing_ok=True)
    db.execute("VACUUM INTO ?", (str(partial),))
    partial.chmod(0o600)
    partial.replace(copy)
    for old in _before_migrations(path)[KEPT_BACKUPS:]:
        old.unlink()


def _apply(db: sqlite3.Connection, number: int, script: str) -> None:
    try:
        db.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    except sqlite3.Error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _sign(db: sqlite3.Connection) -> None:
    """Record which release wrote last, for one that is too old to read it."""
    db.execute(
        "INSERT INTO meta (key, value) VALUES ('release', ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value != excluded.value",
        (paas.__version__,),
    )
