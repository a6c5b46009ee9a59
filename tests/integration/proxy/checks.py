"""What each table of cases demands over a real socket; broken proxies must fail it.

Every check takes the connection to use, so that one may lead through another proxy.
"""

import re

from tests.integration.proxy.conftest import Stage
from tests.integration.proxy.origin import sends
from tests.integration.proxy.wire import Wire, until
from tests.strict import check_forwarded
from tests.unit.http1.answers import BODILESS, CUT, ENDED, READABLE, SURPLUS, UNUSABLE
from tests.unit.http1.forwarding import FORWARDED
from tests.unit.http1.hostile import HOSTILE, get

BODY_CASES = ("case-10", "case-11", "case-12", "case-13", "case-14")
"""Their head is good, so it may have been forwarded before the body turned bad."""
PEER = "127.0.0.1"
DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")


async def check_refused(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """One error answer, then a close; the origin saw nothing it could take for complete."""
    data, status = HOSTILE[name]
    origin = stage.origin
    wire.send(data)
    got = await wire.response(seconds=seconds)
    assert got.status == status
    assert got.code
    assert got.field("connection") == "close"
    assert DATE.fullmatch(got.field("date") or "")
    assert await wire.bytes_until_end(seconds=seconds) == b""
    if name.startswith(BODY_CASES):
        await until(lambda: origin.open == 0, seconds=seconds)
        assert not any(seen.complete for seen in origin.seen)
    else:
        assert origin.bytes_seen == 0
    assert origin.problems == []


async def check_passed(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """It arrives once and as the row says; the connection is good for another one."""
    row = FORWARDED[name]
    wire.send(row.data)
    method = row.method or row.data.split()[0].decode()
    assert (await wire.response(method, seconds=seconds)).status == 200
    (seen,) = stage.origin.seen
    check_forwarded(seen)
    assert seen.complete
    assert (seen.target, seen.body) == (row.target, row.body)
    assert seen.method == method
    for field, value in row.fields.items():
        assert seen.field(field) == (value and value.format(peer=PEER)), field
    assert stage.origin.problems == []


async def check_unusable(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """502, the connection to the origin is dropped, the client's goes on."""
    stage.origin.answer = sends(UNUSABLE[name])
    wire.send(get())
    got = await wire.response(seconds=seconds)
    assert (got.status, got.code) == (502, "upstream_invalid")
    assert len(got.interim) <= 8
    await until(lambda: stage.origin.open == 0, seconds=seconds)
    stage.origin.answer = sends(READABLE["case-54-length"])
    wire.send(get())
    assert (await wire.response(seconds=seconds)).body == b"body"


async def check_cut(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """The client's connection is reset: no reader may take the answer for complete."""
    stage.origin.answer = sends(CUT[name], close=True)
    wire.send(get())
    try:
        whole = await wire.bytes_until_end(seconds=seconds)
    except ConnectionResetError:
        return
    raise AssertionError(whole)


async def check_surplus(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """Only the answer that was asked for, and the next one is the next request's."""
    stage.origin.answer = sends(SURPLUS[name])
    for _ in range(2):
        wire.send(get())
        assert (await wire.response(seconds=seconds)).body == b"one"
        assert wire.surplus == b""
    assert len(stage.origin.lines) == 2


async def check_bodiless(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """No byte follows the head, and only HEAD and 304 tell a length."""
    method, answer, length = BODILESS[name]
    stage.origin.answer = sends(answer)
    for _ in range(2):
        wire.send(get().replace(b"GET", method.encode()))
        got = await wire.response(method, seconds=seconds)
        assert got.body == b""
        assert got.field("content-length") == length
        assert got.field("transfer-encoding") is None
        assert wire.surplus == b""


async def check_readable(stage: Stage, wire: Wire, name: str, seconds: float = 2) -> None:
    """`body`, whole, twice on one connection, and with a Date."""
    answer = READABLE.get(name) or ENDED[name]
    stage.origin.answer = sends(answer, close=name in ENDED)
    for _ in range(2):
        wire.send(get())
        got = await wire.response(seconds=seconds)
        assert (got.status, got.body) == (200, b"body")
        assert DATE.fullmatch(got.field("date") or "")
