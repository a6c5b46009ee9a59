"""Pushes that nobody should get away with, and those that no real git sends."""

import asyncio
import base64
import gzip
import hashlib
import struct
import zlib
from typing import Any

import aiohttp
import pytest

from paas.core.pktline import line
from tests.integration.api.rig import TOKEN, UPLOAD_LIMIT, Answer, World, until

PUSH = "/git/shop.git/git-receive-pack"
REFS = "/git/shop.git/info/refs?service=git-receive-pack"
TYPE = {"Content-Type": "application/x-git-receive-pack-request", "User-Agent": "git/2.39.5"}
ZERO, SOME = "0" * 40, "b" * 40
CAPABILITIES = "\0report-status side-band-64k agent=test"


def command(new: str = SOME, ref: str = "refs/heads/main") -> bytes:
    return line(f"{ZERO} {new} {ref}{CAPABILITIES}".encode()) + b"0000"


def pack(*objects: tuple[int, bytes]) -> bytes:
    """A pack of objects (type, content), each shorter than 2 KiB."""
    body = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        head = kind << 4 | len(content) & 15
        body += bytes([head | 0x80, len(content) >> 4]) + zlib.compress(content)
    return body + hashlib.sha1(body).digest()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def push(paas: World, body: Any, **headers: str) -> Answer:
    known = TYPE | {"Authorization": basic("anybody", TOKEN)} | headers
    return await paas.call("POST", PUSH, session=paas.tcp, data=body, headers=known)


async def nothing_left(paas: World) -> None:
    assert (await paas.call("GET", "/v1/services")).json == {"items": []}
    folder = paas.settings.data_dir / "git"

    async def tidy() -> bool:
        left = [*folder.glob("new-*"), *folder.glob("tmp/*"), *paas.uploads]
        return not left and not paas.control.pushes._pushes

    await until(tidy)


async def test_the_challenge_comes_before_anything_is_read(paas: World) -> None:
    for method, path in (
        ("GET", REFS),
        ("POST", PUSH),
        ("POST", "/git/..%2Fx.git/git-receive-pack"),
    ):
        answer = await paas.call(method, path, session=paas.tcp, headers=TYPE, data=b"garbage")
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.json["code"] == "no_token"


@pytest.mark.parametrize(
    "header",
    [
        basic("admin", "wrong"),
        basic(TOKEN, ""),
        "Basic !!!",
        "Basic /w==",
        "Basic",
        "Digest x",
    ],
)
async def test_a_wrong_token(paas: World, header: str) -> None:
    answer = await paas.call("GET", REFS, session=paas.tcp, headers={"Authorization": header})
    assert (answer.status, answer.json["code"]) == (401, "bad_token")


async def test_basic_is_for_git_only(paas: World) -> None:
    """A browser would send it along with what other sites' pages ask for."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    both = {"Authorization": basic("ann", TOKEN)}
    assert (await paas.call("GET", "/v1/services", session=paas.tcp, headers=both)).status == 401
    assert (await paas.call("GET", REFS, session=paas.tcp, headers=both)).status == 200
    assert (await paas.call("GET", REFS, session=paas.tcp, headers=bearer)).status == 200


@pytest.mark.parametrize(
    "name", ["..%2Fshop", "%2e%2e", "Shop", "a", "shop-001", "api", "-x", "a%00b", "x" * 300, "é"]
)
async def test_odd_names(paas: World, name: str) -> None:
    for path in ("info/refs?service=git-receive-pack", "git-receive-pack"):
        method = "GET" if "?" in path else "POST"
        answer = await paas.call(method, f"/git/{name}.git/{path}", headers=TYPE, data=b"0000")
        assert answer.status in (404, 422), answer.text
        assert answer.headers["Content-Type"].startswith("text/plain")


async def test_other_services_of_git(paas: World) -> None:
    for query in ("", "?service=git-upload-pack", "?service=sh"):
        answer = await paas.call("GET", f"/git/shop.git/info/refs{query}", headers=TYPE)
        assert (answer.status, "not fetched from" in answer.text) == (403, True)
    for path in ("/git/shop.git/HEAD", "/git/shop/info/refs?service=git-receive-pack"):
        answer = await paas.call("GET", path, headers=TYPE)
        assert (answer.status, "/git/SERVICE.git" in answer.text) == (404, True)


async def test_the_probe_makes_nothing(paas: World) -> None:
    answer = await push(paas, b"0000")
    assert (answer.status, answer.text) == (200, "")
    assert answer.headers["Content-Type"] == "application/x-git-receive-pack-result"
    await nothing_left(paas)


@pytest.mark.parametrize("body", [b"", b"00", b"garbage", command()[:-2], b"0001", b"fffe" * 99])
async def test_what_is_no_push(paas: World, body: bytes) -> None:
    answer = await push(paas, body)
    assert answer.status == 400, answer.text
    assert answer.text.startswith("This is no push")
    await nothing_left(paas)


async def test_another_type(paas: World) -> None:
    answer = await push(paas, command(), **{"Content-Type": "text/plain"})
    assert answer.status == 415


async def test_a_huge_declared_length(paas: World) -> None:
    reader, writer = await asyncio.open_unix_connection(paas.socket)
    head = f"POST {PUSH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE['Content-Type']}\r\n"
    writer.write(f"{head}Content-Length: 99999999999999\r\n\r\n".encode())
    assert b" 413 " in await reader.readline()
    writer.close()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_damaged_pack_is_refused_by_git(paas: World, encoding: str) -> None:
    body = command() + b"PACK" + b"\xff" * 100
    sent = gzip.compress(body) if encoding == "gzip" else body
    answer = await push(paas, sent, **{"Content-Encoding": encoding})
    assert answer.status == 200
    assert "unpack" in answer.text
    assert "ng refs/heads/main" in answer.text
    await nothing_left(paas)


async def test_objects_are_checked(paas: World) -> None:
    """A tree that would reach out of the work tree, as no git makes it."""
    blob = b"x"
    ident = hashlib.sha1(b"blob 1\0x").digest()
    tree = b"100644 ..\0" + ident + b"40000 .git\0" + ident
    commit = hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest()
    text = f"tree {commit}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n".encode()
    new = hashlib.sha1(b"commit %d\0" % len(text) + text).hexdigest()
    answer = await push(paas, command(new) + pack((3, blob), (2, tree), (1, text)))
    assert "ng refs/heads/main" in answer.text
    await nothing_left(paas)


async def test_a_commit_that_is_not_there(paas: World) -> None:
    answer = await push(paas, command() + pack())
    assert "ng refs/heads/main" in answer.text
    await nothing_left(paas)


async def test_more_than_is_taken(paas: World) -> None:
    async def endless() -> Any:
        yield command() + b"PACK" + struct.pack(">II", 2, 1) + b"\xb0" + b"\x80" * 8
        while True:
            yield b"\0" * 65536

    try:
        answer = await push(paas, endless())
        assert answer.status in (200, 413)
    except aiohttp.ClientError:
        pass  # it was cut off while it still talked
    await nothing_left(paas)
    assert UPLOAD_LIMIT < 8 * 1024**2


async def test_a_sender_that_leaves(paas: World) -> None:
    _, writer = await asyncio.open_unix_connection(paas.socket)
    head = f"POST {PUSH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE['Content-Type']}\r\n"
    writer.write(f"{head}Content-Length: 100000\r\n\r\n".encode() + command() + b"PACK")
    await writer.drain()

    async def arrived() -> bool:
        return bool(paas.control.pushes._pushes)

    await until(arrived)
    writer.close()
    await nothing_left(paas)


async def test_tickets_are_for_one_push(paas: World) -> None:
    data = aiohttp.FormData()
    spec = f'{{"branch": "main", "revision": "{SOME}", "ticket": "{"a" * 64}"}}'
    data.add_field("spec", spec, content_type="application/json")
    data.add_field("archive", b"x", filename="x.tar")
    answer = await paas.call("POST", "/v1/services/shop/pushes", data=data)
    assert (answer.status, answer.json["code"]) == (403, "bad_ticket")
    await nothing_left(paas)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ('{"revision": "x", "branch": "main"}', "revision"),
        (f'{{"revision": "{SOME}", "branch": "--x"}}', "branch"),
        (f'{{"revision": "{SOME}", "branch": "main", "ticket": "x"}}', "ticket"),
    ],
)
async def test_what_a_hook_says_is_checked(paas: World, spec: str, field: str) -> None:
    data = aiohttp.FormData()
    data.add_field("spec", spec, content_type="application/json")
    data.add_field("archive", b"x", filename="x.tar")
    answer = await paas.call("POST", "/v1/services/shop/pushes", data=data)
    assert (answer.status, list(answer.fields)) == (422, [field])
    answer = await paas.call("POST", "/v1/services/shop/pushes", json={})
    assert answer.status == 415
