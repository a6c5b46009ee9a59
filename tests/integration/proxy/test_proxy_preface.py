"""PROXY prefaces on real connections, from those who may and those who may not."""

from contextlib import suppress
from dataclasses import replace

import pytest

from paas.proxy.accesslog import AccessLog, json_line
from tests.integration.proxy.conftest import QUICK, Stage
from tests.integration.proxy.doors import LOCAL, ask, publish
from tests.integration.proxy.wire import until
from tests.unit.http1.test_http1_preface import V4, V6, binary

V1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 4711 80\r\n"


@pytest.mark.parametrize(
    ("preface", "address"),
    [(V1, "192.0.2.7"), (binary(V4), "192.0.2.1"), (binary(V6, family=0x21), "2001:db8::1")],
)
async def test_the_announced_client_is_the_client(
    stage: Stage, preface: bytes, address: str
) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    wire = await stage.wire()
    wire.send(preface + ask(b"X-Forwarded-For: 10.0.0.1", b"X-Paas-Route: hello-009"))
    assert (await wire.response()).status == 200
    wire.send(ask())
    assert (await wire.response()).status == 200
    for seen in stage.origin.seen:
        assert seen.field("x-forwarded-for") == seen.field("x-real-ip") == address


async def test_byte_by_byte(stage: Stage) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    for preface in (V1, binary(V4)):
        wire = await stage.wire()
        for byte in preface + ask():
            wire.send(bytes([byte]))
            await wire.writer.drain()
        assert (await wire.response()).status == 200


@pytest.mark.parametrize(
    "data",
    [ask(), b"PROXY TCP4 x y 1 2\r\n" + ask(), b"PROXY " + b"x" * 200, binary(b"", length=9999)],
)
async def test_a_wrong_or_missing_one_closes(stage: Stage, data: bytes) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    wire = await stage.wire()
    wire.send(data)
    with suppress(ConnectionError):  # a reset is an end too
        assert await wire.bytes_until_end() == b""
    assert stage.proxy.counters.errors == {"bad_preface": 1}
    await until(lambda: stage.proxy.connections == 0)


async def test_an_unfinished_one_is_not_waited_for(stage: Stage) -> None:
    await stage.start(replace(QUICK, head_seconds=0.1), trusted=LOCAL, proxy_protocol=True)
    wire = await stage.wire()
    wire.send(V1[:-1])
    with suppress(ConnectionError):  # a reset is an end too
        assert await wire.bytes_until_end() == b""
    await until(lambda: stage.proxy.connections == 0)


@pytest.mark.parametrize("options", [{"trusted": ["10.0.0.0/8"]}, {"proxy_protocol": False}])
async def test_from_others_it_is_no_request(stage: Stage, options: dict[str, object]) -> None:
    await stage.start(**{"trusted": LOCAL, "proxy_protocol": True, **options})
    wire = await stage.wire()
    wire.send(V1 + ask())
    assert (await wire.response()).status == 400


async def test_others_need_none(stage: Stage) -> None:
    await stage.start(trusted=["10.0.0.0/8"], proxy_protocol=True)
    await stage.check_well()


async def test_too_many_connections_are_cut_at_the_threshold(stage: Stage) -> None:
    limits = replace(QUICK, connections=1)
    await stage.start(limits, trusted=LOCAL, proxy_protocol=True)
    first, second = await stage.wire(), await stage.wire()
    await until(lambda: stage.proxy.counters.refused_connections == 1)
    first.send(V1 + ask())
    assert (await first.response()).status == 200
    second.close()


async def test_a_drain_does_not_wait_for_one(stage: Stage) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    await stage.wire()
    await until(lambda: stage.proxy.connections == 1)
    await stage.proxy.drain(3.0)
    assert stage.proxy.connections == 0


async def test_the_list_of_addresses_sees_the_announced_one(stage: Stage) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    publish(stage, allow=("192.0.2.7/32",))
    for preface, status in ((V1, 200), (binary(V4), 403), (b"PROXY UNKNOWN\r\n", 403)):
        wire = await stage.wire()
        wire.send(preface + ask(b"X-Forwarded-For: 192.0.2.7"))
        assert (await wire.response()).status == status


class Lines:
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def write(self, lines: list[bytes]) -> int:
        self.lines += lines
        return 0


async def test_every_request_is_a_line_and_only_that(stage: Stage) -> None:
    sink = Lines()
    access = AccessLog(json_line, sink)
    await stage.start(access=access)
    publish(stage, request_log=True)
    stage.board.requests.keep("hello")
    await stage.ask(ask(b'User-Agent: a"b\\\xff\xe2\x80\xa8'))
    await stage.ask(ask(host=b"nobody.localhost"))
    await stage.ask(b"nonsense\r\n\r\n")
    gone = await stage.wire()
    stage.origin.early = True

    async def never(_seen: object, _line: object) -> None:
        gone.reset()

    stage.origin.answer = never
    gone.send(ask())
    await until(lambda: stage.proxy.counters.client_gone == 1)
    await access.flush()
    texts = b"".join(sink.lines)
    assert texts.count(b"\n") == len(sink.lines) == 4
    for line, parts in zip(
        sink.lines,
        (
            (b'"status":200', b'"service":"hello"', b'"version":"hello-001"', b'"replica":"r1"'),
            (b'"status":404', b'"error":"no_such_host"'),
            (b'"status":400', b'"error":"bad_request"'),
            (b'"status":499', b'"error":"client_gone"'),
        ),
        strict=True,
    ):
        assert all(part in line for part in parts), line
    kept = stage.board.requests.recent("hello", limit=10)
    assert [record.status for record in kept] == [499, 200]
    assert kept[1].client == b"127.0.0.1"
    assert kept[1].sent > 0
