"""A build context as a tar stream: what `.dockerignore` leaves, read as it is sent.

No symbolic link is ever followed: links are sent as links, and the paths of the build
directory and the Dockerfile must resolve inside the source. Everything here blocks and
belongs into a thread, but `streamed`.
"""

import asyncio
import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from paas.core import dockerignore
from paas.core.dockerignore import ROOT, IgnoreRules, Verdict
from paas.errors import FieldError, Invalid

IGNORE_FILE = ".dockerignore"
DEFAULT_DOCKERFILE = "Dockerfile"
TEXT_LIMIT = 1024 * 1024
CHUNK = 256 * 1024
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What to send. `added` are files that are not in the directory, or replace one there."""

    directory: Path
    dockerfile: str
    rules: IgnoreRules = field(default_factory=IgnoreRules)
    added: dict[str, bytes] = field(default_factory=dict)


def open_context(root: Path, *, dockerfile: str, build_dir: str) -> Context:
    """Find both paths inside `root` and read the rules.

    A bare Dockerfile name is looked for in the build directory first, a path first in
    the source; each then in the other. One outside of the build directory is sent under
    a name of its own, as the docker CLI does.
    Raises `Invalid` (`bad_build_dir`, `no_dockerfile`, `bad_dockerignore`).
    """
    top = root.resolve()
    directory = _inside(top, top / build_dir, field="build_dir")
    if not directory.is_dir():
        raise _bad_path("build_dir", f"There is no directory {build_dir!r} in the source.")
    found = _find_dockerfile(top, directory, dockerfile)
    ignore = _read_ignore_file(top, directory)
    rules = dockerignore.parse(ignore or "")
    relative = Path(os.path.relpath(found, directory)).as_posix()
    if not relative.startswith("../"):
        return Context(directory=directory, dockerfile=relative, rules=rules)
    content = _read_text_file(found)
    # The same name for the same content, so that a cache can know it again.
    name = f"{IGNORE_FILE[:7]}file.{hashlib.sha256(content).hexdigest()[:16]}"
    # The classic builder drops what this file names from the context, once it has read it.
    hidden = f"{IGNORE_FILE if ignore is None else ignore}\n{name}\n"
    added = {name: content, IGNORE_FILE: hidden.encode()}
    return Context(directory=directory, dockerfile=name, rules=rules, added=added)


def read_dockerfile(context: Context) -> str:
    """Its text. Raises `Invalid` (`bad_dockerfile`) for one that is too large."""
    added = context.added.get(context.dockerfile)
    content = added or _read_text_file(context.directory / context.dockerfile)
    return content.decode("utf-8", "replace")


def tar_blocks(context: Context) -> Generator[bytes, None, None]:
    """The tar in pieces of at least `CHUNK` bytes but the last. Raises `OSError`."""
    waiting = bytearray()
    for block in _blocks(context):
        waiting += block
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting) + bytes(2 * tarfile.BLOCKSIZE)


async def streamed(blocks: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """The pieces, each made in a thread."""
    try:
        while block := await asyncio.to_thread(next, blocks, b""):
            yield block
    finally:
        with suppress(ValueError):  # a cancelled thread may still be in it, and will end
            blocks.close()


# ---- paths


def _find_dockerfile(top: Path, directory: Path, name: str) -> Path:
    places = [directory / name, top / name]
    if "/" in name:
        places.reverse()
    for place in places:
        resolved = _inside(top, place, field="dockerfile")
        if resolved.is_file():
            return resolved
    raise _no_dockerfile(places[0], name)


def _inside(top: Path, path: Path, *, field: str) -> Path:
    """The path with all links resolved. Raises `Invalid` if it leaves `top`."""
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise _bad_path(field, f"{path.name!r} cannot be read: {error}.") from error
    if not resolved.is_relative_to(top):
        raise _bad_path(field, f"{path.name!r} is outside of the source.")
    return resolved


def _bad_path(field: str, message: str) -> Invalid:
    return Invalid(
        message,
        code=f"bad_{field}",
        advice="Give a path inside the source.",
        fields=(FieldError(field=field, message="must be a path inside the source"),),
    )


def _no_dockerfile(place: Path, name: str) -> Invalid:
    folder = place.parent
    names = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    shown = ", ".join(names[:_NAMES_SHOWN]) or "nothing"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return Invalid(
        f"There is no {name!r} to build from. Its directory holds: {shown}{more}.",
        code="no_dockerfile",
        advice="Add a Dockerfile, or name the right one and the directory it is built in.",
        fields=(FieldError(field="dockerfile", message="must be a file of the source"),),
    )


def _read_ignore_file(top: Path, directory: Path) -> str | None:
    path = _inside(top, directory / IGNORE_FILE, field="dockerignore")
    if not path.is_file():
        return None
    return _read_text_file(path).decode("utf-8", "replace")


def _read_text_file(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(TEXT_LIMIT + 1)
    if len(content) > TEXT_LIMIT:
        raise Invalid(
            f"{path.name} is larger than {TEXT_LIMIT // 1024} KiB.",
            code="bad_dockerfile",
            advice="Check that it is the file you mean.",
        )
    return content


# ---- the stream


def _blocks(context: Context) -> Iterator[bytes]:
    for path, entry in _entries(context):
        if path not in context.added:
            yield from _member(path, entry)
    for path, content in context.added.items():
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(content), 0o644
        yield _header(info)
        yield content + _padding(len(content))


def _entries(context: Context) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What is sent, directories before what they hold, in the order of their names."""
    always = (context.dockerfile, IGNORE_FILE)
    stack: list[tuple[str, Verdict]] = [("", ROOT)]
    while stack:
        folder, above = stack.pop()
        with os.scandir(context.directory / folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            verdict = context.rules.judge(path, above)
            if not verdict.ignored or path in always:
                yield path, entry
            if entry.is_dir(follow_symlinks=False) and (
                not verdict.ignored
                or context.rules.may_keep_below(path)
                or context.dockerfile.startswith(path + "/")
            ):
                stack.append((path, verdict))


def _member(path: str, entry: os.DirEntry[str]) -> Iterator[bytes]:
    """One entry. Owners become root; pipes, sockets and devices are not sent."""
    found = entry.stat(follow_symlinks=False)
    info = tarfile.TarInfo(path)
    info.mode = stat.S_IMODE(found.st_mode)
    info.mtime = int(found.st_mtime)
    if stat.S_ISDIR(found.st_mode):
        info.type = tarfile.DIRTYPE
        yield _header(info)
    elif stat.S_ISLNK(found.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, str(Path(entry.path).readlink())
        yield _header(info)
    elif stat.S_ISREG(found.st_mode):
        yield from _file(info, entry.path)


def _file(info: tarfile.TarInfo, path: str) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        info.size = os.fstat(descriptor).st_size
        yield _header(info)
        left = info.size
        while left:
            data = file.read(min(left, CHUNK))
            if not data:
                raise OSError(f"{info.name} became shorter while it was read")
            left -= len(data)
            yield data
    yield _padding(info.size)


def _header(info: tarfile.TarInfo) -> bytes:
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)
