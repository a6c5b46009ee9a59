"""A folder as one tar.gz for the daemon.

Members come in a fixed order without owners, so the same folder packs alike.
Only `.git` is left out: `.dockerignore` is the daemon's to apply, so that
every way in obeys the same rules.
"""

import gzip
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paas.cli.output import size
from paas.cli.trouble import CliError

MAX_BYTES = 512 * 1024**2
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
LEVEL = 4
"""Fast: the archive usually crosses a local socket only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of the folder: its path inside it, where it is, and its bytes."""

    name: str
    path: Path
    size: int = 0
    folder: bool = False


def is_archive(path: Path) -> bool:
    """Whether the file's name is that of an archive that is sent as it is."""
    return path.name.lower().endswith(ARCHIVES)


def members(root: Path) -> list[Member]:
    """What would be packed, in order. Raises `CliError` for an empty or huge folder."""
    found = list(_walk(root, ""))
    if all(member.folder for member in found):
        raise CliError(
            f"The folder {root} holds no files.",
            code="empty_folder",
            advice="Give the folder with your program and its Dockerfile.",
        )
    total = sum(member.size for member in found)
    if total > MAX_BYTES:
        raise CliError(
            f"The folder {root} holds {size(total)}; at most {size(MAX_BYTES)} can be deployed. "
            f"The largest: {', '.join(_largest(found))}.",
            code="folder_too_large",
            advice="Remove what the build does not need, or give an archive of the rest.",
        )
    return found


def pack(found: list[Member], into: IO[bytes]) -> None:
    """Write the members as tar.gz. Raises `CliError` naming a file that cannot be read."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=into, compresslevel=LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in found:
            try:
                _add(archive, member)
            except OSError as error:
                raise _unreadable(member.path, error) from error


def _walk(folder: Path, prefix: str) -> Iterator[Member]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from error
    for entry in entries:
        if entry.name == ".git":
            continue
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield Member(name=name, path=Path(entry.path), folder=True)
            yield from _walk(Path(entry.path), name + "/")
        elif entry.is_symlink() or entry.is_file():
            length = entry.stat(follow_symlinks=False).st_size
            yield Member(name=name, path=Path(entry.path), size=length)


def _add(archive: tarfile.TarFile, member: Member) -> None:
    info = archive.gettarinfo(str(member.path), member.name)
    # a hard link is packed as a file of its own: its other name may lie outside
    if info.islnk():
        info.type, info.linkname = tarfile.REGTYPE, ""
        info.size = member.path.stat().st_size
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = stat.S_IMODE(info.mode) & 0o777
    if info.isreg():
        with member.path.open("rb") as content:
            archive.addfile(info, content)
    else:
        archive.addfile(info)


def _largest(found: list[Member]) -> list[str]:
    sums: dict[str, int] = {}
    for member in found:
        top, _, rest = member.name.partition("/")
        key = f"{top}/" if rest else top
        sums[key] = sums.get(key, 0) + member.size
    order = sorted(sums.items(), key=lambda pair: -pair[1])[:5]
    return [f"{name} ({size(length)})" for name, length in order]


def _unreadable(path: Path, error: OSError) -> CliError:
    reason = error.strerror or str(error)
    return CliError(
        f"{path} cannot be packed: {reason}.",
        code="unreadable",
        advice="Make it readable, or remove it from the folder.",
    )
