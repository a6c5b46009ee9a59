"""Negotiation and errors, against a server that answers like an engine."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from paas.adapters.docker_api import DockerApi, choose_api, documents
from paas.errors import Conflict, Denied, Failed, Invalid, NotFound, PaasError, Unavailable


class Engine:
    """Answers every request from `answers` (path without version → status, body)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.version = {"Version": "29.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split()[1]
        self.requests.append(target)
        path = re.sub(r"^/(v[0-9.]+/)?", "", target).partition("?")[0]
        status, body = self.answers.get(path, (404, b'{"message": "page not found"}'))
        if path == "version":
            status, body = 200, json.dumps(self.version).encode()
        fields = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n"
        date = "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"
        writer.write(f"HTTP/1.1 {status} X\r\n{fields}{date}Connection: close\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    made = Engine(tmp_path / "engine.sock")
    server = await asyncio.start_unix_server(made.serve, made.path)
    async with server:
        yield made


@pytest.fixture
async def api(engine: Engine) -> AsyncIterator[DockerApi]:
    made = DockerApi(f"unix://{engine.path}")
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("newest", "oldest", "chosen"),
    [
        ("1.41", "1.12", "1.41"),
        ("1.41", "", "1.41"),
        ("1.52", "1.44", "1.47"),
        ("1.60", "1.50", "1.50"),
        ("1.9", "1.2", "1.9"),
    ],
)
def test_the_version_suits_both(newest: str, oldest: str, chosen: str) -> None:
    assert choose_api(newest, oldest) == chosen


async def test_every_call_carries_the_negotiated_version(engine: Engine, api: DockerApi) -> None:
    engine.answers["info"] = (200, b'{"NCPU": 2}')
    engine.answers["containers/x/start"] = (204, b"")
    assert await api.call("GET", "info") == {"NCPU": 2}
    assert await api.call("POST", "containers/x/start") is None
    assert engine.requests == ["/version", "/v1.47/info", "/v1.47/containers/x/start"]
    engine.version = {"Version": "20.10", "ApiVersion": "1.41", "MinAPIVersion": "1.12"}
    said = await api.negotiate()
    assert (said.version, said.api, said.time) == ("20.10", "1.41", 1767323045)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Denied),
        (404, NotFound),
        (409, Conflict),
        (500, Failed),
        (503, Unavailable),
    ],
)
async def test_statuses_become_our_errors(
    engine: Engine, api: DockerApi, status: int, kind: type[PaasError]
) -> None:
    engine.answers["info"] = (status, b'{"message": "told why"}')
    with pytest.raises(kind) as raised:
        await api.call("GET", "info")
    assert raised.value.message == "told why"


async def test_nonsense_is_unavailable(engine: Engine, api: DockerApi) -> None:
    engine.answers["info"] = (200, b"<html>")
    with pytest.raises(Unavailable):
        await api.call("GET", "info")


async def test_documents_of_a_stream(engine: Engine, api: DockerApi) -> None:
    engine.answers["events"] = (200, b'{"a": 1}\r\n\n[]\n{"b": 2}')
    async with api.stream("GET", "events") as response:
        found = [document async for document in documents(response)]
    assert found == [{"a": 1}, {}, {"b": 2}]


async def test_nobody_there(tmp_path: Path) -> None:
    api = DockerApi(f"unix://{tmp_path}/none.sock")
    with pytest.raises(Unavailable) as raised:
        await api.call("GET", "info")
    assert raised.value.code == "engine_unreachable"
    assert "docker.host" in raised.value.advice
    await api.close()


async def test_an_engine_that_is_silent(tmp_path: Path) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    left = asyncio.Event()
    path = tmp_path / "silent.sock"
    async with await asyncio.start_unix_server(hold, path):
        api = DockerApi(f"unix://{path}")
        api._connected().api_version = "v1.41"
        with pytest.raises(Unavailable) as raised:
            await api.call("GET", "info", deadline=0.05)
        assert raised.value.code == "engine_timeout"
        await api.close()
        async with asyncio.timeout(5):
            await left.wait()


async def test_an_address_that_is_none() -> None:
    with pytest.raises(Invalid) as raised:
        await DockerApi("ftp://x").call("GET", "info")
    assert raised.value.code == "bad_docker_host"
