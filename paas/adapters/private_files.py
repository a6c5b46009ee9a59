"""Key and token files: made once, whole or not at all, readable by the daemon alone."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from paas.errors import Unavailable

LONGEST = 4096


def read_private(path: Path) -> bytes | None:
    """The content, or None when there is no such file.

    Raises `Unavailable` (`file_not_private`, `file_unusable`).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(path, error) from error
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise Unavailable(
                f"{path} can be read by others (mode {mode:04o}).",
                code="file_not_private",
                advice=f"Run: chmod 600 {path}. If others may have read it, replace it.",
            )
        return file.read(LONGEST)


def read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's content; `make()` is written first, mode 0600, when there is none.

    Two processes that start together end up with the same content.
    """
    found = read_private(path)
    if found is not None:
        return found
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, make())
        try:
            path.hardlink_to(draft)  # unlike a rename, never replaces what another made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync_directory(path.parent)
    except OSError as error:
        raise _unusable(path, error) from error
    return read_private(path) or b""


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"{path} cannot be used: {error.strerror}.",
        code="file_unusable",
        advice="See that its directory exists, has space and belongs to the daemon's user.",
    )
