import asyncio
import io

import pytest
from aiohttp.test_utils import make_mocked_request

from paas.api import problems
from tests.integration.api.rig import World

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "at line 1"),
        (b'{"name": "a", "name": "b"}', "'name'"),
        (b'{"name": NaN}', "NaN"),
        (b'{"name": 1e999}', "too large"),
        (b'{"name": ' + b"9" * 5000 + b"}", ""),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
    ],
)
async def test_what_is_not_strict_json_is_refused(paas: World, body: bytes, said: str) -> None:
    answer = await paas.call("POST", "/v1/services", data=body, headers=JSON)
    assert (answer.status, answer.json["code"]) == (400, "malformed_json")
    assert said in answer.json["detail"]


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b""])
async def test_other_values_than_objects_are_wrong_fields(paas: World, body: bytes) -> None:
    answer = await paas.call("POST", "/v1/services", data=body, headers=JSON)
    assert (answer.status, answer.json["code"]) == (422, "invalid")


async def test_every_wrong_field_is_told_at_once(paas: World) -> None:
    body = {
        "source": {"type": "ftp", "url": "https://example.org/x"},
        "port": 0,
        "replica": {},
        "env": {"PORT": "1", "A": "x"},
        "secrets": {"A": "y"},
        "replicas": {"min": 3, "max": 2},
        "command": "ls -l",
    }
    answer = await paas.call("POST", "/v1/services/shop/deployments", json=body)
    assert answer.status == 422
    assert answer.fields == {
        "source.type": "must be one of archive, image, version, git",
        "port": "must be a whole number from 1 to 65535",
        "replica": "is not known here; did you mean replicas?",
        "env.PORT": "must be another name: PORT and names that start with K_ are set by the "
        "platform",
        "secrets.A": "must not be given under env and secrets both",
        "replicas.min": "must be at most replicas.max, which is 2",
        "command": 'must be a list of texts, one per argument, such as ["sh", "-c", "exec ./run"]',
    }


async def test_a_body_of_another_type_is_refused(paas: World) -> None:
    answer = await paas.call("POST", "/v1/services", data={"name": "shop"})
    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")
    text = {"Content-Type": "text/plain"}
    answer = await paas.call("POST", "/v1/services/shop/deployments", data="{}", headers=text)
    assert answer.status == 415


async def test_json_is_bounded(paas: World) -> None:
    large = b'{"name": "' + b"a" * 2**20 + b'"}'
    answer = await paas.call("POST", "/v1/services", data=io.BytesIO(large), headers=JSON)
    assert (answer.status, answer.json["code"]) == (413, "too_large")

    async def pieces():
        for _ in range(17):
            yield b" " * 65536

    chunked = await paas.call("POST", "/v1/services", data=pieces(), headers=JSON)
    assert (chunked.status, chunked.json["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/services/%ff%fe",
        "/v1/services/%00",
        "/v1/services/..%2f..%2fetc",
        "/v1/services/" + "a" * 3000,
        "/v1/services/%ED%A0%80",
        "/v1/deployments/%00",
        "/v1/deployments/%ff",
        "/v1/deployments/';DROP TABLE services;--",
        "/v1/services/-- -ext::/versions/$(id)",
    ],
)
async def test_hostile_paths_are_not_found(paas: World, path: str) -> None:
    reader, writer = await asyncio.open_unix_connection(paas.socket)
    target = path.replace(" ", "%20")
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert b" 404 " in answer.split(b"\r\n", 1)[0]
    assert b"Traceback" not in answer


async def test_raw_bytes_in_the_path_do_no_harm(paas: World) -> None:
    reader, writer = await asyncio.open_unix_connection(paas.socket)
    writer.write(b"GET /v1/deployments/\xff\xed\xa0 HTTP/1.1\r\nHost: x\r\n")
    writer.write(b"Connection: close\r\n\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] in (b"400", b"404")


async def test_a_parameter_is_given_once(paas: World) -> None:
    answer = await paas.call("GET", "/v1/events?limit=1&limit=2")
    assert answer.fields == {"limit": "must be given once"}
    unknown = await paas.call("GET", "/v1/events?limits=1")
    assert unknown.fields == {"limits": "is not known here; did you mean limit?"}


async def test_a_client_that_waits_for_100_is_invited_only_when_admitted(paas: World) -> None:
    reader, writer = await asyncio.open_unix_connection(paas.socket)
    head = (
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 16\r\nExpect: 100-continue\r\n\r\n"
    )
    async with asyncio.timeout(5):
        writer.write(head.format("/v1/services").encode())
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b'{"name": "shop"}')
        assert b" 201 " in await reader.readuntil(b"\r\n")
        writer.close()
        reader, writer = await asyncio.open_unix_connection(paas.socket)
        writer.write(head.format("/v1/services/Bad_/deployments").encode())
        assert b" 422 " in await reader.readuntil(b"\r\n")
        writer.close()


async def test_internals_never_leave(paas: World) -> None:
    async def broken(_request):
        raise RuntimeError("secret path /etc/shadow")

    answer = await problems.answer_problems(make_mocked_request("GET", "/x"), broken)
    assert answer.status == 500
    assert b"shadow" not in answer.body
    assert b"incident" in answer.body
