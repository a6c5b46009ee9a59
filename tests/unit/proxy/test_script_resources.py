"""Limits, slow and leaving peers, as scripts."""

import pytest

from paas.http1.limits import Limits
from tests.unit.http1.answers import OK, reply
from tests.unit.http1.hostile import chunked, get, post
from tests.unit.proxy.script import Script


@pytest.mark.case(60)
@pytest.mark.parametrize("data", [b"G", b"GET / HTTP/1.1\r\nHost", get()[:-2], b"\r\n"])
def test_a_head_that_takes_too_long(data: bytes) -> None:
    script = Script()
    client = script.client(data)
    script.expire(client)
    assert client.log.startswith(b"HTTP/1.1 408 ")
    assert client.ended
    assert not script.origins
    script.check_well(client)


@pytest.mark.case(60)
def test_an_idle_connection_is_closed_without_a_word() -> None:
    script = Script()
    client = script.client()
    script.expire(client)
    assert client.closed
    assert not client.log
    script.check_well(client)


@pytest.mark.case(60)
def test_a_body_that_takes_too_long() -> None:
    script = Script()
    client = script.client(post(b"Content-Length: 9", body=b"1"))
    script.expire(client)
    assert client.log.startswith(b"HTTP/1.1 408 ")
    assert script.origins[0].aborted
    assert not script.seen[0].complete
    script.check_well(client)


@pytest.mark.case(60)
def test_a_client_that_does_not_read_is_cut() -> None:
    script = Script()
    client = script.client(get())
    script.origins[0].gives(OK + b"Content-Length: 9\r\n\r\n123")
    assert client.protocol is not None
    client.protocol.pause_writing()
    assert not script.origins[0].reading
    script.expire(client)
    assert client.aborted
    assert script.origins[0].aborted
    script.check_well(client)


@pytest.mark.case(61)
@pytest.mark.parametrize("limits", [Limits(connections=2), Limits(connections_per_address=2)])
def test_connections_are_counted(limits: Limits) -> None:
    script = Script(limits)
    first, _second, third = (script.client() for _ in range(3))
    assert third.log.startswith(b"HTTP/1.1 503 ")
    assert third.over
    first.leaves()
    script.check_well(third)


@pytest.mark.case(62)
def test_back_pressure_both_ways() -> None:
    script = Script()
    client = script.client(post(b"Content-Length: 9", body=b"1"))
    (origin,) = script.origins
    for near, far in ((client, origin), (origin, client)):
        assert near.protocol is not None
        near.protocol.pause_writing()
        assert not far.reading
        near.protocol.resume_writing()
        assert far.reading


@pytest.mark.case(62)
def test_what_waits_for_a_replica_is_bounded() -> None:
    script = Script(Limits(hold_bytes=100), ready=False)
    client = script.client(post(b"Content-Length: 1000", body=b"x" * 60))
    assert client.reading
    client.gives(b"x" * 60)
    assert not client.reading
    assert script.target.share.queued_bytes == 120
    script.ready()
    assert client.reading
    client.gives(b"x" * 880)
    script.origins[0].gives(reply(b"ok"))
    assert len(script.seen[0].body) == 1000
    script.check_well(client)


@pytest.mark.case(64)
@pytest.mark.parametrize("data", [get(), post(b"Content-Length: 9", body=b"1"), chunked(b"1\r\n1")])
def test_a_client_that_is_gone_frees_the_replica(data: bytes) -> None:
    script = Script()
    client = script.client(data)
    client.leaves(ConnectionResetError())
    assert script.origins[0].aborted
    assert script.plane.counters.client_gone == 1
    script.check_well(client)


@pytest.mark.case(64)
def test_one_that_leaves_the_queue_frees_its_place() -> None:
    script = Script(ready=False)
    client = script.client(post(b"Content-Length: 9", body=b"1"))
    client.leaves()
    assert not script.target.waiters
    script.ready()
    assert not script.origins
    script.check_well(client)


@pytest.mark.case(64)
async def test_a_half_closed_client_still_gets_its_answers() -> None:
    script = Script()
    client = script.client(get() + get())
    client.stops_sending()
    for _ in range(2):
        script.origins[0].gives(reply(b"late"))
    assert client.log.count(b"late") == 2
    assert client.closed
    script.check_well(client)
