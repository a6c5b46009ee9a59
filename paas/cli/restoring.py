"""Reading a backup and putting it in place: files and the standard library alone.

Nothing of the data directory changes before the whole backup was read and checked;
what is replaced is kept beside it. The database is moved in last.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from paas.cli.trouble import CliError, Exit

FORMAT = 1
FILES = frozenset({"paas.db", "config.yaml", "secret.key", "known_hosts", "images.tar"})
FOLDERS = frozenset({"git", "certificates"})
ABOUT = "backup.json"
MOST_ABOUT = 64 * 1024 * 1024
"""Bytes of `backup.json`: it has a line for each file."""
RENAMED = {"config.yaml": "config.yaml.restored"}
"""The daemon's own settings file lies elsewhere and is its owner's to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A checked backup, unpacked in `folder`; `files` are relative to it."""

    folder: Path
    files: tuple[str, ...]
    release: str
    images: Path | None = None


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The data directory, made if there is none, with its lock, which a running daemon
    has. Raises `CliError`.
    """
    path = data / "lock"
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CliError(
            f"{path} cannot be opened: {error.strerror}.",
            code="data_dir_unusable",
            advice="Name another --data-dir, or run this as its owner.",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CliError(
                f"A daemon runs on {data}.",
                exit_code=Exit.REFUSED,
                code="already_running",
                advice="Stop it first: systemctl stop paas.socket paas, or end `paas serve`.",
            ) from error
        _belongs(path, data)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unpacked(file: Path, data: Path) -> Iterator[Found]:
    """The backup, checked, in a folder beside its place. Raises `CliError`."""
    folder = Path(tempfile.mkdtemp(prefix=".restore-", dir=data))
    try:
        release, files = _unpack(file, folder)
        _check_database(folder / "paas.db", file)
        images = folder / "images.tar"
        yield Found(
            folder=folder,
            files=tuple(name for name in files if name != "images.tar"),
            release=release,
            images=images if images.exists() else None,
        )
    except OSError as error:
        raise CliError(
            f"The backup could not be unpacked: {error.strerror or error}.",
            exit_code=Exit.FAILED,
            code="restore_failed",
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_in_place(found: Found, data: Path) -> list[str]:
    """Move all into the data directory; the names of what was restored."""
    for name in sorted(found.files, key=lambda name: name == "paas.db"):
        target = data / RENAMED.get(name, name)
        source = found.folder / name
        _make_folders(target.parent, data)
        _belongs(source, data)
        if name == "paas.db":
            _move_database_away(target)
        elif target.exists():
            target.replace(target.with_name(f"{target.name}.replaced"))
        source.replace(target)
    _sync(data)
    tops = {PurePosixPath(name).parts[0] for name in found.files}
    return sorted(tops | ({"images"} if found.images is not None else set()))


# ---- private


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unpack(file: Path, folder: Path) -> tuple[str, list[str]]:
    """Release and names; a copy of the database alone counts as a backup of it."""
    with file.open("rb") as opened:
        plain = opened.read(16) == b"SQLite format 3\0"
    if plain:
        shutil.copyfile(file, folder / "paas.db")
        (folder / "paas.db").chmod(0o600)
        return "", ["paas.db"]
    try:
        with tarfile.open(file, "r:") as tar:
            return _members(tar, folder, file)
    except (tarfile.TarError, EOFError) as error:
        raise _damaged(file, "it is no archive of paas backup, or was cut off") from error


def _members(tar: tarfile.TarFile, folder: Path, file: Path) -> tuple[str, list[str]]:
    first = tar.next()
    if first is None or first.name != ABOUT or first.size > MOST_ABOUT:
        raise _damaged(file, f"it does not begin with {ABOUT}")
    about = _about(tar, first, file)
    sums, names = about["sha256"], []
    while (member := tar.next()) is not None:
        if not member.isreg() or member.name not in sums or not _allowed(member.name):
            raise _damaged(file, f"it has a member {member.name!r} that it should not have")
        if _extract(tar, member, folder / member.name) != sums[member.name]:
            raise _damaged(file, f"{member.name} is not what was saved")
        names.append(member.name)
    missing = sums.keys() - set(names)
    if missing or "paas.db" not in names:
        raise _damaged(file, f"{min(missing, default='paas.db')} is missing: it was cut off")
    return str(about.get("release", "")), names


def _about(tar: tarfile.TarFile, member: tarfile.TarInfo, file: Path) -> dict[str, Any]:
    opened = tar.extractfile(member)
    try:
        about = json.loads(opened.read()) if opened is not None else {}
    except ValueError:
        about = {}
    if not isinstance(about, dict) or not isinstance(about.get("sha256"), dict):
        raise _damaged(file, f"its {ABOUT} cannot be read")
    if about.get("format") != FORMAT:
        raise CliError(
            f"{file} was made by paas {about.get('release')}, in a form that this one cannot read.",
            code="newer_backup",
            advice=f"Install paas {about.get('release')} or later.",
        )
    return about


def _allowed(name: str) -> bool:
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and str(path) == name
    return inside and (name in FILES or (len(path.parts) > 1 and path.parts[0] in FOLDERS))


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Write it, 0600, and say its sum."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = tar.extractfile(member)
    assert source is not None
    total = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as into:
        while piece := source.read(1 << 20):
            into.write(piece)
            total.update(piece)
        into.flush()
        os.fsync(into.fileno())
    return total.hexdigest()


def _check_database(path: Path, file: Path) -> None:
    try:
        with closing(_opened(path)) as db:
            answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            found = db.execute("SELECT 1 FROM meta WHERE key = 'installation'").fetchone()
    except sqlite3.Error as error:
        raise _damaged(file, f"its database cannot be read ({error})") from error
    if answer != "ok" or found is None:
        raise _damaged(file, "its database is damaged, or no database of paas")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)


def _move_database_away(target: Path) -> None:
    """With its log, which belongs to it and to no other one."""
    for end in ("", "-wal", "-shm"):
        old = target.with_name(target.name + end)
        if old.exists():
            old.replace(target.with_name(f"{target.name}.replaced{end}"))


def _make_folders(folder: Path, data: Path) -> None:
    if folder != data and not folder.is_dir():
        _make_folders(folder.parent, data)
        folder.mkdir(mode=0o700)
        _belongs(folder, data)


def _belongs(path: Path, data: Path) -> None:
    """Give it to the owner of the data directory, when root restores for the daemon's user."""
    if os.geteuid() == 0:
        owner = data.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _damaged(file: Path, problem: str) -> CliError:
    return CliError(
        f"{file} cannot be used: {problem}.",
        exit_code=Exit.FAILED,
        code="bad_backup",
        advice="Nothing was changed. Use another backup.",
    )
