"""Attempts to make proxy and origin disagree where a request ends, over several steps."""

import pytest

from tests.integration.proxy.conftest import Stage
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.wire import until
from tests.unit.http1.hostile import get, post

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"


def targets(stage: Stage) -> list[str]:
    return [seen.target for seen in stage.origin.seen]


@pytest.mark.case(16)
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"POST"])
@pytest.mark.parametrize("expect", [(), (b"Expect: 100-continue",)])
async def test_a_request_in_a_body_stays_a_body(
    stage: Stage, method: bytes, expect: tuple[bytes, ...]
) -> None:
    await stage.start()
    wire = await stage.wire()
    length = b"Content-Length: %d" % len(SMUGGLED)
    wire.send(post(length, *expect, body=SMUGGLED).replace(b"POST", method) + get())
    await wire.response(method.decode())
    await wire.response()
    assert targets(stage) == ["/x", "/x"]
    assert stage.origin.seen[0].body == SMUGGLED


@pytest.mark.case(17)
async def test_an_empty_body_and_a_byte_more(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(post(b"Content-Length: 0", body=b"X"))
    assert (await wire.response()).status == 200
    wire.send(get())
    got = await wire.response()
    assert (got.status, got.field("connection")) == (501, "close")
    assert targets(stage) == ["/x"]


@pytest.mark.case(50)
async def test_a_body_that_pauses_is_never_a_request(stage: Stage) -> None:
    """The origin answers while the body is on its way; then comes the body, a request."""
    await stage.start()
    stage.origin.early = True
    stage.origin.answer = sends(reply(b"early"))
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % len(SMUGGLED)))
    got = await wire.response()
    assert (got.body, got.field("connection")) == (b"early", "close")
    wire.send(SMUGGLED)
    assert await wire.bytes_until_end() == b""
    await until(lambda: stage.origin.open == 0)
    assert targets(stage) == ["/x"]
    assert stage.proxy.idle_upstreams == 0


@pytest.mark.case(50)
async def test_a_client_that_expects_and_is_refused_cannot_go_on(stage: Stage) -> None:
    await stage.start()
    stage.origin.early = True
    stage.origin.answer = sends(reply(b"no", b"403 Forbidden"))
    wire = await stage.wire()
    wire.send(post(b"Content-Length: %d" % len(SMUGGLED), b"Expect: 100-continue"))
    assert (await wire.response()).status == 403
    wire.send(SMUGGLED * 2)
    assert await wire.bytes_until_end() == b""
    assert targets(stage) == ["/x"]


@pytest.mark.case(52, 57)
async def test_the_body_of_a_head_is_nobodys_answer(stage: Stage) -> None:
    await stage.start()

    async def answer(seen: Seen, line: Line) -> None:
        forged = reply(b"forged")
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(forged)
        line.send(head + forged if seen.method == "HEAD" else reply(b"honest"))

    stage.origin.answer = answer
    wire, victim = await stage.wire(), await stage.wire()
    wire.send(get().replace(b"GET", b"HEAD") + get())
    assert (await wire.response("HEAD")).body == b""
    victim.send(get())
    assert (await victim.response()).body == b"honest"
    assert (await wire.response()).body == b"honest"


@pytest.mark.case(45)
async def test_a_refused_upgrade_opens_no_tunnel(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(reply(b"no", b"426 Upgrade Required"))
    wire = await stage.wire()
    wire.send(get(b"Connection: Upgrade", b"Upgrade: websocket") + SMUGGLED)
    assert (await wire.response()).status == 426
    assert (await wire.response()).status == 426
    assert targets(stage) == ["/x", "/smuggled"]
    assert "x-forwarded-for" in dict(stage.origin.seen[1].fields)
