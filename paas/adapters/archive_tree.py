"""Writes untrusted entries below one fresh directory and nowhere else.

Nothing is ever written through a link: every parent of an entry is a directory
made here, and symbolic links are made last and then resolved for real. Totals
are counted from the bytes that come, never from what an archive declares.
"""

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from paas.adapters.archive_entries import Entry, Kind, bad_entry
from paas.errors import PaasError, TooLarge

LONGEST_NAME = 255
LONGEST_PATH = 1024
DEEPEST = 64
RATIO_FLOOR = 16 * 1024**2
"""Bytes that any archive may unpack to, however small it is."""

Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """`size` and `entries` in all, `ratio` unpacked bytes for each packed one."""

    size: int
    entries: int
    ratio: int


class Tree:
    """The directory being filled. `check` raises to stop the work."""

    def __init__(self, root: Path, caps: Caps, *, packed: int, check: Callable[[], None]) -> None:
        self._root = root
        self._caps = caps
        self._allowed = max(RATIO_FLOOR, packed * caps.ratio)
        self._check = check
        self._kinds: dict[Parts, Kind] = {}
        self._spellings: dict[Parts, Parts] = {}
        self._links: dict[Parts, str] = {}
        self._count = 0
        self._size = 0

    @property
    def empty(self) -> bool:
        """Whether no file and no link came."""
        return all(kind is Kind.DIRECTORY for kind in self._kinds.values())

    def add(self, entry: Entry) -> None:
        """Check one entry and write it. Raises `Invalid` naming it, or `TooLarge`."""
        self._check()
        self._count += 1
        if self._count > self._caps.entries:
            raise self._too_many()
        parts = _parts(entry)
        if not parts:
            return
        self._place(entry, parts)
        path = self._root.joinpath(*parts)
        if entry.kind is Kind.FILE:
            self._write(path, entry)
        elif entry.kind is Kind.HARDLINK:
            self._hard_link(path, entry)
        elif entry.kind is Kind.SYMLINK:
            self._links[parts] = entry.target

    def only_directory(self) -> str | None:
        """The name of the one top-level directory when there is nothing beside it."""
        tops = {parts[0] for parts in self._kinds}
        if len(tops) != 1:
            return None
        top = tops.pop()
        return top if self._kinds[(top,)] is Kind.DIRECTORY else None

    def make_links(self, root: Path, *, stripped: int) -> None:
        """Make the symbolic links in the tree's final place, `stripped` levels higher.

        Raises `Invalid` for one that leads out of it.
        """
        real_root = os.path.realpath(root)
        made = {
            parts: root.joinpath(*parts[stripped:])
            for parts, target in self._links.items()
            if _is_inner(parts, target)
        }
        for parts, path in made.items():
            path.symlink_to(self._links[parts])
        for parts, path in made.items():
            real = os.path.realpath(path)
            if real != real_root and not real.startswith(real_root + os.sep):
                raise _leads_out(parts)

    def _place(self, entry: Entry, parts: Parts) -> None:
        """Claim the entry's name, and make the directories above it."""
        for depth in range(1, len(parts)):
            self._claim(entry.name, parts[:depth], Kind.DIRECTORY)
        self._claim(entry.name, parts, entry.kind)

    def _claim(self, name: str, parts: Parts, kind: Kind) -> None:
        known = self._kinds.get(parts)
        if known is not None:
            if known is Kind.DIRECTORY and kind is Kind.DIRECTORY:
                return
            raise bad_entry(name, _clash(parts, known, kind))
        folded = tuple(_folded(part) for part in parts)
        if folded in self._spellings:
            other = "/".join(self._spellings[folded])
            raise bad_entry(name, f"differs from {other!r} only by case")
        if len(self._kinds) >= self._caps.entries:
            raise self._too_many()
        self._spellings[folded] = parts
        self._kinds[parts] = kind
        if kind is Kind.DIRECTORY:
            self._root.joinpath(*parts).mkdir(mode=0o755)

    def _write(self, path: Path, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        mode = 0o755 if entry.executable else 0o644
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            for chunk in self._counted(entry.content):
                file.write(chunk)

    def _counted(self, content: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in content:
            self._check()
            self._size += len(chunk)
            if self._size > self._caps.size:
                raise _too_large(f"more than {self._caps.size:,} bytes")
            if self._size > self._allowed:
                raise _too_large(f"more than {self._caps.ratio} times its own size")
            yield chunk

    def _too_many(self) -> TooLarge:
        return _too_large(f"more than {self._caps.entries:,} entries")

    def _hard_link(self, path: Path, entry: Entry) -> None:
        target = _parts(Entry(name=entry.target, kind=Kind.FILE))
        if self._kinds.get(target) not in {Kind.FILE, Kind.HARDLINK}:
            raise bad_entry(entry.name, "is a hard link to no earlier file of the archive")
        path.hardlink_to(self._root.joinpath(*target))


def _parts(entry: Entry) -> Parts:
    """The entry's path, or () for the top itself. Raises `Invalid`."""
    name = entry.name
    problem = _name_problem(name)
    parts = tuple(part for part in name.split("/") if part not in {"", "."})
    if not problem and ".." in parts:
        problem = "leads out of the archive (..)"
    if not problem and any(len(part.encode()) > LONGEST_NAME for part in parts):
        problem = f"has a name of more than {LONGEST_NAME} bytes"
    if not problem and len(parts) > DEEPEST:
        problem = f"is more than {DEEPEST} directories deep"
    if not problem and not parts and entry.kind is not Kind.DIRECTORY:
        problem = "has no name"
    if problem:
        raise bad_entry(name, problem)
    return parts


def _name_problem(name: str) -> str:
    if any(unicodedata.category(char) == "Cc" for char in name):
        return "has a control character in its name"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if size > LONGEST_PATH:
        return f"has a path of more than {LONGEST_PATH} bytes"
    if name.startswith("/"):
        return "has an absolute path"
    if "\\" in name or (len(name) > 1 and name[1] == ":"):
        return "has a Windows path (backslash or drive)"
    return ""


def _is_inner(parts: Parts, target: str) -> bool:
    """True, or `Invalid` for a target that cannot be right wherever the tree is."""
    problem = "" if target else "is empty"
    problem = problem or _name_problem(target)
    if problem:
        raise bad_entry("/".join(parts), f"is a link whose target {problem}")
    depth = len(parts) - 1
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            raise _leads_out(parts)
    return True


def _leads_out(parts: Parts) -> PaasError:
    return bad_entry("/".join(parts), "is a link that leads out of the archive")


def _folded(part: str) -> str:
    return unicodedata.normalize("NFC", part).casefold()


def _clash(parts: Parts, known: Kind, kind: Kind) -> str:
    if known is kind:
        return "appears twice"
    return f"needs {'/'.join(parts)!r} as a {kind.value}, which is a {known.value} already"


def _too_large(what: str) -> TooLarge:
    return TooLarge(
        f"The archive unpacks to {what}.",
        code="archive_too_large",
        advice="Leave out what the build does not need, or have the operator raise limits.",
    )
