"""Reads zip, tar and tar.gz one entry at a time, believing nothing they declare.

Reads the content, never the file's name, to tell what it is. Memory stays
bounded whatever an archive claims: readers refuse single reads of headers or
directories that no honest archive needs. Every defect is `Invalid`.
"""

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO, Any, Protocol, cast

from paas.errors import Invalid

CHUNK = 64 * 1024
LARGEST_HEADER = 256 * 1024
"""Bytes of one tar header with its extensions."""
DIRECTORY_BYTES_PER_ENTRY = 512
"""Bytes of a zip's directory for each entry allowed."""
LONGEST_TARGET = 4096
MOST_PADDING = 1024**2
"""Bytes behind a tar's end mark."""

_BLOCK = tarfile.BLOCKSIZE
_END_MARK = bytes(_BLOCK)
_OTHER_FORMATS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf": "7-zip",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_READ_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
    RecursionError,
    NotImplementedError,
    UnicodeError,
    ValueError,
    OverflowError,
)


class Kind(Enum):
    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One member. `content` must be read to its end before the next entry."""

    name: str
    kind: Kind
    executable: bool = False
    target: str = ""
    content: Iterator[bytes] = field(default_factory=lambda: iter(()))


@contextmanager
def open_entries(archive: Path, *, most_entries: int) -> Iterator[Iterator[Entry]]:
    """The entries of the archive in order. Raises `Invalid` (`not_an_archive`,
    `bad_archive`), also while they are read.
    """
    with archive.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        if head[:4] in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}:
            capped = _CappedFile(str(archive), most_entries * DIRECTORY_BYTES_PER_ENTRY)
            with capped:
                yield _defects_named(_zip_entries(capped))
        elif head[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=file) as inner:
                yield _defects_named(_tar_entries(inner))
        elif _is_tar_header(head):
            yield _defects_named(_tar_entries(file))
        else:
            raise _no_archive(head)


def bad_entry(name: str, problem: str) -> Invalid:
    """The refusal of one entry, safe to print."""
    shown = repr(name if len(name) <= 200 else name[:199] + "…")
    return Invalid(
        f"The archive's entry {shown} {problem}.",
        code="bad_archive",
        advice="Pack the source again without that entry.",
    )


def damaged(problem: str) -> Invalid:
    """The refusal of an archive that cannot be read to its end."""
    return Invalid(
        f"The archive is damaged: {problem}.",
        code="bad_archive",
        advice="Pack and upload it again.",
    )


def _defects_named(entries: Iterator[Entry]) -> Iterator[Entry]:
    try:
        for entry in entries:
            entry.content = _content_defects_named(entry.name, entry.content)
            yield entry
    except _READ_ERRORS as error:
        raise damaged(_reason(error)) from error


def _content_defects_named(name: str, content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from content
    except _READ_ERRORS as error:
        raise bad_entry(name, f"is damaged ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, EOFError):
        return "it ends too early"
    return str(error).rstrip(".") or type(error).__name__


def _no_archive(head: bytes) -> Invalid:
    known = next((name for magic, name in _OTHER_FORMATS.items() if head.startswith(magic)), "")
    what = f"a {known} file" if known else "no archive" if head else "empty"
    return Invalid(
        f"The upload is {what}.", code="not_an_archive", advice="Send a zip, tar or tar.gz file."
    )


# ---- zip


class _CappedFile(io.FileIO):
    """Refuses reads larger than `cap`: only a zip's directory is read in one piece."""

    def __init__(self, path: str, cap: int) -> None:
        super().__init__(path)
        self._cap = max(cap, 128 * 1024)
        self._size = self.seek(0, io.SEEK_END)
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._size - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self._cap:
            raise damaged("its directory is larger than the entries allowed can need")
        return super().read(wanted) or b""


def _zip_entries(file: IO[bytes]) -> Iterator[Entry]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            yield _zip_entry(archive, info)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name = info.orig_filename  # `filename` ends at the first NUL
    if info.flag_bits & 0x1:
        raise bad_entry(name, "is encrypted")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise bad_entry(name, "uses a compression other than deflate")
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return Entry(name=name, kind=Kind.SYMLINK, target=_zip_target(archive, info))
    if name.endswith("/"):
        return Entry(name=name, kind=Kind.DIRECTORY)
    if kind not in {0, stat.S_IFREG}:
        raise bad_entry(name, "is neither file, directory nor link")
    return Entry(
        name=name,
        kind=Kind.FILE,
        executable=bool(mode & 0o111),
        content=_zip_content(archive, info),
    )


def _zip_target(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    with archive.open(info) as content:
        target = content.read(LONGEST_TARGET + 1)
    return target.decode("utf-8")


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as content:
        while chunk := content.read(CHUNK):
            yield chunk


# ---- tar


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _TarStream:
    """What tarfile needs of a file, forward only, with its header reads capped."""

    def __init__(self, file: _Readable) -> None:
        self._file = file
        self._position = 0
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > LARGEST_HEADER:
            raise damaged("a header is larger than any honest one")
        data = bytearray()
        while len(data) < size and (piece := self._file.read(size - len(data))):
            data += piece
        self._position += len(data)
        self.last = bytes(data)
        return self.last

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        """The library seeks only where the archive is no ordinary one."""
        raise damaged(f"it points to {position} out of order")

    def close(self) -> None:
        """The file is closed by who opened it."""


class _Headers(tarfile.TarFile):
    """A `TarFile` for nothing but `TarInfo.fromtarfile`: opening one would read ahead."""

    def __init__(self, stream: _TarStream) -> None:
        self.fileobj = cast("Any", stream)
        self.encoding, self.errors = "utf-8", "surrogateescape"
        self.pax_headers = {}
        self.offset = 0


def _is_tar_header(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return head == _END_MARK
    return True


def _tar_entries(file: _Readable) -> Iterator[Entry]:
    """Walks the headers itself: tarfile's own loop takes damage for the end."""
    stream = _TarStream(file)
    archive = _Headers(stream)
    while True:
        try:
            member = tarfile.TarInfo.fromtarfile(archive)
        except tarfile.HeaderError as error:
            if stream.last == _END_MARK:
                break
            raise damaged("it ends too early or has a broken header") from error
        left = _Left(stream, member.size if member.isreg() else 0)
        yield _tar_entry(member, left)
        left.skip()
    for _ in range(MOST_PADDING // CHUNK):  # to the end, where gzip keeps its check sum
        if not file.read(CHUNK):
            return
    raise damaged("it goes on behind its end mark")


class _Left:
    """The content of one member, then the padding behind it."""

    def __init__(self, stream: _TarStream, size: int) -> None:
        self._stream = stream
        self._size = size
        self._padding = -size % _BLOCK

    def chunks(self) -> Iterator[bytes]:
        while self._size:
            chunk = self._stream.read(min(CHUNK, self._size))
            if not chunk:
                raise EOFError
            self._size -= len(chunk)
            yield chunk

    def skip(self) -> None:
        for _ in self.chunks():
            pass
        self._stream.read(self._padding)


def _tar_entry(member: tarfile.TarInfo, left: _Left) -> Entry:
    name = member.name
    if member.issparse():
        raise bad_entry(name, "is a sparse file")
    if member.isdir():
        return Entry(name=name, kind=Kind.DIRECTORY)
    if member.issym():
        return Entry(name=name, kind=Kind.SYMLINK, target=member.linkname)
    if member.islnk():
        return Entry(name=name, kind=Kind.HARDLINK, target=member.linkname)
    if not member.isreg():
        raise bad_entry(name, "is neither file, directory nor link")
    return Entry(
        name=name,
        kind=Kind.FILE,
        executable=bool(member.mode & 0o111),
        content=left.chunks(),
    )
