"""Multipart uploads: a `spec` in JSON and an `archive`, in either order.

The archive goes to a file of its own as it arrives, never into memory. Unless
`Upload.keep` was called, the file is gone when the context ends, however it ends.
"""

import asyncio
import contextlib
import errno
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from paas.api import strict_json
from paas.api.bodies import LARGEST_JSON, SILENCE, invite, json_too_large, stalled
from paas.api.fields import wrong_field
from paas.errors import Invalid, PaasError, TooLarge, Unavailable

MULTIPART = "multipart/form-data"
PIECE = 64 * 1024
WRITTEN_AT_ONCE = 1024 * 1024
LARGEST_FRAME = 64 * 1024
"""Boundaries and part headers around spec and archive."""

_PLAIN_ENCODINGS = frozenset({"", "binary", "8bit", "7bit"})
_PARTS = "must be one of the parts spec and archive"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

SpecCheck = Callable[[object], Awaitable[None]]
T = TypeVar("T")


@dataclass(slots=True)
class Upload:
    """What has arrived: the spec's raw value, the archive's file and its given name."""

    path: Path
    spec: object = None
    filename: str | None = None
    size: int = 0
    kept: bool = False

    def keep(self) -> Path:
        """The file, which from now on belongs to the caller."""
        self.kept = True
        return self.path


@contextlib.asynccontextmanager
async def receive(
    request: web.Request, *, folder: Path, limit: int, on_spec: SpecCheck
) -> AsyncIterator[Upload]:
    """The whole upload. `on_spec` sees the spec as soon as it is there and may refuse.

    Raises `Invalid` (`malformed_multipart`, `upload_stalled`, `invalid`), `TooLarge`,
    `Unavailable` (`disk_full`, `upload_failed`).
    """
    if (request.content_length or 0) > limit + LARGEST_JSON + LARGEST_FRAME:
        raise _archive_too_large(limit)
    upload = Upload(folder / f"{secrets.token_hex(16)}.part")
    try:
        await invite(request)
        await _Receiver(request, upload, limit).run(on_spec)
        yield upload
    finally:
        if not upload.kept:  # in a thread that goes on when this is cancelled: it can take long
            await asyncio.shield(asyncio.to_thread(upload.path.unlink, missing_ok=True))


class _Receiver:
    """Reads the parts of one request into one `Upload`."""

    def __init__(self, request: web.Request, upload: Upload, limit: int) -> None:
        self._request = request
        self._upload = upload
        self._limit = limit
        self._seen: set[str] = set()

    async def run(self, on_spec: SpecCheck) -> None:
        """Raises as `receive`."""
        parts = await _guarded(self._request.multipart())
        while (part := await _guarded(parts.next())) is not None:
            if not isinstance(part, BodyPartReader):
                raise wrong_field("", _PARTS)
            if self._check(part) == "spec":
                self._upload.spec = strict_json.parse(await _read_spec(part))
                await on_spec(self._upload.spec)
            else:
                await self._save(part)
        for name in ("spec", "archive"):
            if name not in self._seen:
                raise wrong_field(name, "is required as a part of the upload")
        if self._upload.size == 0:
            raise wrong_field("archive", "must not be empty")

    def _check(self, part: BodyPartReader) -> str:
        name = part.name
        if name not in ("spec", "archive"):
            raise wrong_field(name or "", _PARTS)
        if name in self._seen:
            raise wrong_field(name, "must be there once")
        encoding = part.headers.get("Content-Transfer-Encoding", "").lower()
        if encoding not in _PLAIN_ENCODINGS or "Content-Encoding" in part.headers:
            raise wrong_field(name, "must be sent as it is, without an encoding")
        self._seen.add(name)
        return name

    async def _save(self, part: BodyPartReader) -> None:
        """At most a few pieces are in memory; each write leaves the event loop free."""
        upload = self._upload
        upload.filename = _plain_name(part.filename)
        _create(upload.path)
        waiting = bytearray()
        while piece := await _guarded(part.read_chunk(PIECE)):
            upload.size += len(piece)
            if upload.size > self._limit:
                raise _archive_too_large(self._limit)
            waiting += piece
            if len(waiting) >= WRITTEN_AT_ONCE:
                await _on_disk(_append, upload.path, bytes(waiting))
                waiting.clear()
        await _on_disk(_append, upload.path, bytes(waiting), sync=True)


async def _read_spec(part: BodyPartReader) -> bytes:
    text = bytearray()
    while piece := await _guarded(part.read_chunk(PIECE)):
        text += piece
        if len(text) > LARGEST_JSON:
            raise json_too_large()
    return bytes(text)


async def _guarded(reading: Awaitable[T], *, silence: float = SILENCE) -> T:
    """One wait for the client, with its deadline and its failures in our words."""
    try:
        async with asyncio.timeout(silence):
            return await reading
    except TimeoutError:
        raise stalled() from None
    except (
        ValueError,
        AssertionError,
        RuntimeError,
        HttpProcessingError,
        web.RequestPayloadError,
    ) as error:
        raise Invalid(
            "The multipart body is malformed or was cut off.",
            code="malformed_multipart",
            advice="Send the parts spec and archive as multipart/form-data, to the end.",
        ) from error


def _create(path: Path) -> None:
    """On the event loop, where it cannot be cancelled: a thread would make the file after
    the upload was given up and its file removed.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise _disk_error(error) from error


def _append(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Opens the file anew and never makes it, so that a cancelled upload stays removed."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


async def _on_disk(work: Callable[..., None], *args: object, **kwargs: object) -> None:
    try:
        await asyncio.to_thread(work, *args, **kwargs)
    except OSError as error:
        raise _disk_error(error) from error


def _disk_error(error: OSError) -> PaasError:
    if error.errno in _FULL:
        return Unavailable(
            "The disk is full: the upload could not be kept.",
            code="disk_full",
            advice="Free space on the file system of the data directory, then send it again.",
        )
    return Unavailable(
        f"The upload could not be kept: {error.strerror or 'the disk failed'}.",
        code="upload_failed",
        advice="Look at the data directory and its permissions.",
    )


def _archive_too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The archive is larger than {limit} bytes.",
        advice="Leave out what the build does not need, or raise limits.upload_bytes.",
    )


def _plain_name(given: str | None) -> str:
    """What people see as the source; never used as a path."""
    name = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[:200] or "archive"
