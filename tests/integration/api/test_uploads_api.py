import asyncio
import io
import json

import aiohttp
import pytest

from tests.fakes.replica import PORT
from tests.integration.api.rig import UPLOAD_LIMIT, World, archive, until

URL = "/v1/services/shop/deployments"
SPEC = json.dumps({"create": True, "source": {"type": "archive"}})
LOCAL = "http://localhost"


def form(*parts: tuple[str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, content in parts:
        if name == "spec":
            data.add_field(name, content.decode(), content_type="application/json")
        else:
            data.add_field(name, io.BytesIO(content), filename="src.tar.gz")
    return data


@pytest.mark.parametrize("order", [1, -1])
async def test_an_archive_is_built_and_serves(paas: World, order: int) -> None:
    parts = [("spec", SPEC.encode()), ("archive", archive(**{"a.txt": "x"}))]
    made = await paas.call("POST", URL, data=form(*parts[::order]))
    assert made.status == 202, made.text
    assert made.headers["Location"] == f"/v1/deployments/{made.json['id']}"
    assert made.json["status"] == "queued"
    ended = await paas.ended(made.json["id"])
    assert ended["status"] == "succeeded", ended
    version = (await paas.call("GET", "/v1/services/shop/versions/shop-001")).json
    assert version["source"] == {"type": "archive", "filename": "src.tar.gz"}
    assert version["port"] == PORT
    assert paas.uploads == []


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([("spec", SPEC.encode())], "archive"),
        ([("archive", archive())], "spec"),
        ([("spec", SPEC.encode()), ("archive", b"")], "archive"),
        ([("spec", SPEC.encode()), ("spec", SPEC.encode())], "spec"),
        ([("spec", SPEC.encode()), ("other", b"x")], "other"),
        ([("spec", b'{"source": {"type": "image", "image": "x"}}')], "source.type"),
        ([("archive", archive()), ("spec", b'{"source": {"type": "archive"}, "x": 1}')], "x"),
    ],
)
async def test_a_wrong_upload_leaves_nothing(paas: World, parts, field: str) -> None:
    answer = await paas.call("POST", URL, data=form(*parts))
    assert answer.status == 422
    assert field in answer.fields
    await nothing_left(paas)


async def test_an_archive_needs_a_multipart_upload(paas: World) -> None:
    answer = await paas.call("POST", URL, json=json.loads(SPEC))
    assert "multipart/form-data" in answer.fields["source"]


async def test_a_bound_that_passes_the_default_is_refused_and_leaves_nothing(paas: World) -> None:
    spec = json.dumps(json.loads(SPEC) | {"replicas": {"min": 11}}).encode()
    answer = await paas.call("POST", URL, data=form(("spec", spec), ("archive", archive())))
    assert "replicas.min" in answer.fields
    await nothing_left(paas)


async def test_a_missing_service_is_told_before_the_archive_is_sent(paas: World) -> None:
    spec = b'{"source": {"type": "archive"}}'

    async def never():
        yield multipart_head(spec)
        yield b"x" * 100_000
        yield b"x" * 100_000
        await asyncio.Event().wait()

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with asyncio.timeout(5):
        answer = await paas.call("POST", URL, data=never(), headers=headers)
    assert (answer.status, answer.json["code"]) == (404, "no_such_service")
    await nothing_left(paas)


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_too_large_an_archive_is_refused(paas: World, framing: str) -> None:
    size = UPLOAD_LIMIT + 1 if framing == "chunked" else 2 * UPLOAD_LIMIT
    content = b"\0" * size

    async def pieces():
        yield multipart_head(SPEC.encode())
        for start in range(0, size, 65536):
            yield content[start : start + 65536]
        yield b"\r\n--b--\r\n"

    if framing == "chunked":
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = await paas.call("POST", URL, data=pieces(), headers=headers)
    else:
        answer = await paas.call("POST", URL, data=form(("archive", content)))
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    await nothing_left(paas)


async def test_a_cut_off_upload_leaves_nothing(paas: World) -> None:
    _reader, writer = await asyncio.open_unix_connection(paas.socket)
    writer.write(
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
    )
    writer.write(multipart_head(SPEC.encode()) + b"x" * 1_500_000)
    await writer.drain()

    async def arriving() -> bool:
        return bool(paas.uploads)

    await until(arriving)
    writer.close()
    await nothing_left(paas)


async def test_a_service_has_few_uploads_at_a_time(paas: World) -> None:
    writers = []
    for _ in range(4):
        _reader, writer = await asyncio.open_unix_connection(paas.socket)
        writer.write(
            f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )
        writer.write(multipart_head(SPEC.encode()) + b"x" * 1_100_000)
        writers.append(writer)

    async def arriving() -> bool:
        return len(paas.uploads) == 4

    await until(arriving)
    parts = [("spec", SPEC.encode()), ("archive", archive(**{"a.txt": "x"}))]
    refused = await paas.call("POST", URL, data=form(*parts))
    assert (refused.status, refused.json["code"]) == (503, "too_many_uploads")
    assert refused.headers["Retry-After"]
    other = await paas.call("POST", URL.replace("shop", "other"), data=form(*parts))
    assert other.status == 202, other.text
    for writer in writers:
        writer.close()

    async def gone() -> bool:
        return paas.uploads == []

    await until(gone)
    assert (await paas.call("POST", URL, data=form(*parts))).status == 202


async def test_uploads_cut_off_as_they_begin_leave_nothing(paas: World) -> None:
    """Some of them while their file is being made."""
    body = multipart_head(SPEC.encode()) + b"x" * 70_000
    for _ in range(100):
        _reader, writer = await asyncio.open_unix_connection(paas.socket)
        writer.write(
            f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )
        writer.write(body)
        writer.close()
        await writer.wait_closed()
    await nothing_left(paas)


async def test_a_body_that_ends_before_its_boundary_is_malformed(paas: World) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    body = multipart_head(SPEC.encode()) + b"x" * 1000
    answer = await paas.call("POST", URL, data=body, headers=headers)
    assert (answer.status, answer.json["code"]) == (400, "malformed_multipart")
    await nothing_left(paas)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
async def test_a_boundary_is_needed(paas: World, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    answer = await paas.call("POST", URL, data=b"--b--", headers=headers)
    assert answer.status in (400, 422)


async def nothing_left(paas: World) -> None:
    async def clean() -> bool:
        return paas.uploads == []

    await until(clean)
    assert (await paas.call("GET", "/v1/services")).json == {"items": []}


def multipart_head(spec: bytes) -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="spec"\r\n\r\n'
        + spec
        + b'\r\n--b\r\nContent-Disposition: form-data; name="archive"; filename="../../x"\r\n\r\n'
    )
