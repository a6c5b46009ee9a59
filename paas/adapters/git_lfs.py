"""Large files of a repository: pointers in the tree are replaced by what they stand for.

The protocol is that of Git LFS, batch API, basic transfer. Objects come from the server
that belongs to the repository's own URL, whatever its `.lfsconfig` says; each download URL
passes the gate, and each object is checked against its pointer.
"""

import asyncio
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from paas.adapters.git_http import CheckedHttp, authorization
from paas.adapters.git_remote import Remote
from paas.core.git_urls import GitUrl
from paas.errors import Denied, Failed, PaasError, TooLarge
from paas.ports.fetching import GitLogin

MEDIA = "application/vnd.git-lfs+json"
LONGEST_POINTER = 1024
BATCH = 100
CHUNK = 256 * 1024
LONGEST_ANSWER = 4 * 1024**2

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,15})\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """A file that stands for an object."""

    path: Path
    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """Where batches are asked, and with what."""

    url: str
    headers: dict[str, str]


class Lfs:
    """`most` bytes in all objects of a repository."""

    def __init__(self, http: CheckedHttp, *, most: int) -> None:
        self._http = http
        self._most = most

    async def fill(
        self, tree: Path, remote: Remote, login: GitLogin | None, *, say: Callable[[str], None]
    ) -> None:
        """Replace all pointers in `tree`. Raises `Failed` (`lfs_failed`), `Denied`,
        `TooLarge` (`repository_too_large`), and as `CheckedHttp.request`.
        """
        found = await asyncio.to_thread(lambda: list(pointers(tree)))
        if not found:
            return
        total = sum(one.size for one in found)
        if total > self._most:
            raise _too_large(self._most)
        say(f"Fetching {len(found)} large files ({total} bytes)")
        server = await _server(remote, login)
        for start in range(0, len(found), BATCH):
            await self._batch(server, found[start : start + BATCH])

    async def _batch(self, server: _Server, wanted: list[Pointer]) -> None:
        objects = {one.oid: {"oid": one.oid, "size": one.size} for one in wanted}
        body = {"operation": "download", "transfers": ["basic"], "objects": [*objects.values()]}
        headers = {**server.headers, "Accept": MEDIA, "Content-Type": MEDIA}
        url = f"{server.url}/objects/batch"
        async with self._http.request("POST", url, headers=headers, body=body) as answer:
            if answer.status in {401, 403}:
                raise _refused(url)
            if answer.status != 200:
                raise _failed(f"{url} answers {answer.status}")
            raw = await _whole(answer.content)
        actions = _actions(raw)
        for one in wanted:
            if one.oid not in actions:
                raise _failed(f"there is no object for {one.path.name!r}")
            await self._download(server, one, actions[one.oid])

    async def _download(self, server: _Server, one: Pointer, action: dict[str, Any]) -> None:
        url, given = str(action.get("href", "")), action.get("header")
        headers = {str(key): str(text) for key, text in (given or {}).items()}
        if not headers and urlsplit(url)[:2] == urlsplit(server.url)[:2]:
            headers = server.headers
        draft = one.path.with_name(f".{one.oid}.lfs")
        async with self._http.request("GET", url, headers=headers) as answer:
            if answer.status != 200:
                raise _failed(f"the object of {one.path.name!r} answers {answer.status}")
            digest, size = hashlib.sha256(), 0
            with draft.open("xb") as file:
                async for chunk in answer.content.iter_chunked(CHUNK):
                    size += len(chunk)
                    if size > one.size:
                        break
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
        if size != one.size or digest.hexdigest() != one.oid:
            raise _failed(f"the object of {one.path.name!r} is not what its pointer says")
        draft.chmod(one.path.stat().st_mode & 0o777)
        draft.replace(one.path)


def pointers(tree: Path) -> Iterator[Pointer]:
    """The pointers in a tree; links are not followed."""
    for folder, _, names in os.walk(tree):
        for name in names:
            path = Path(folder, name)
            if path.is_symlink() or path.stat().st_size > LONGEST_POINTER:
                continue
            match = _POINTER.match(path.read_bytes())
            if match is not None:
                yield Pointer(path=path, oid=match[1].decode(), size=int(match[2]))


async def _server(remote: Remote, login: GitLogin | None) -> _Server:
    url = remote.url
    if url.scheme == "ssh":
        return await _by_ssh(remote)
    return _Server(url=_usual(url), headers=authorization(login))


def _usual(url: GitUrl) -> str:
    text = url.text.rstrip("/")
    return f"{text}/info/lfs" if text.endswith(".git") else f"{text}.git/info/lfs"


async def _by_ssh(remote: Remote) -> _Server:
    """An ssh server names its LFS server and lends a login for it."""
    told = await remote.ssh("git-lfs-authenticate", remote.url.path, "download")
    try:
        answer = json.loads(told.out)
        href, header = answer["href"], answer.get("header") or {}
        headers = {str(key): str(text) for key, text in header.items()}
        return _Server(url=str(href).rstrip("/"), headers=headers)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _failed(f"{remote.url.host} names no LFS server over ssh") from None


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """An answer of the server, as far as it can be honest."""
    raw = bytearray()
    async for chunk in content.iter_chunked(CHUNK):
        raw += chunk
        if len(raw) > LONGEST_ANSWER:
            raise _failed("its server's answer is too long")
    return bytes(raw)


def _actions(raw: bytes) -> dict[str, dict[str, Any]]:
    """The download of each object that has one, by oid."""
    try:
        return {
            one["oid"]: one["actions"]["download"]
            for one in json.loads(raw)["objects"]
            if one.get("actions")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _failed("its server's answer cannot be read") from None


def _failed(why: str) -> PaasError:
    return Failed(
        f"The large files (LFS) were not fetched: {why}.",
        code="lfs_failed",
        advice="See that the repository's server offers Git LFS and holds its objects "
        "(git lfs push --all), or deploy without LFS.",
    )


def _refused(url: str) -> PaasError:
    return Denied(
        f"{url} wants another login.",
        code="repository_login_refused",
        advice="Give credentials that may read the repository and its large files.",
    )


def _too_large(most: int) -> PaasError:
    return TooLarge(
        f"The large files (LFS) are larger than {most:,} bytes.",
        code="repository_too_large",
        advice="Name the directory to take, or have the operator raise limits.unpacked_bytes.",
    )
