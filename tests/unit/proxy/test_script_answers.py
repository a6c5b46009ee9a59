"""Answers through the proxy, as scripts: interim ones, bodies, and origins that misbehave."""

import errno

import pytest

from tests.unit.http1.answers import (
    BODILESS,
    CUT,
    ENDED,
    OK,
    READABLE,
    SURPLUS,
    UNUSABLE,
    reply,
)
from tests.unit.http1.hostile import get, post
from tests.unit.proxy.script import Script

REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_answers_are_502(name: str) -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(UNUSABLE[name])
    # interim answers that were in order have gone out; nothing else of it has
    final = client.log[client.log.rindex(b"HTTP/1.1") :]
    assert final.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"X-Paas-Error: upstream_invalid" in final
    assert b"Set-Cookie" not in client.log
    assert client.log.count(b"HTTP/1.1 103") <= 8
    assert origin.aborted
    assert not script.pooled
    assert not client.over
    script.check_well(client)


@pytest.mark.parametrize("minor", [b"1", b"0"])
@pytest.mark.parametrize("name", CUT)
def test_what_is_cut_short_never_looks_complete(name: str, minor: bytes) -> None:
    script = Script()
    client = script.client(get().replace(b"HTTP/1.1", b"HTTP/1." + minor))
    (origin,) = script.origins
    origin.gives(CUT[name])
    if not origin.gone:
        origin.stops_sending()
    assert client.log[:17] in (b"", b"HTTP/1.1 200 OK\r\n")
    assert not client.log.endswith(b"0\r\n\r\n")
    assert client.aborted
    assert not client.ended
    assert origin.gone
    script.check_well(client)


@pytest.mark.parametrize("name", BODILESS)
def test_answers_without_a_body(name: str) -> None:
    method, answer, length = BODILESS[name]
    script = Script()
    client = script.client(get().replace(b"GET", method.encode()))
    (origin,) = script.origins
    origin.gives(answer)
    head, body = client.log.split(b"\r\n\r\n")
    assert not body
    told = b"\r\nContent-Length: " + length.encode() if length else b""
    assert (b"Content-Length" in head) is bool(length)
    assert told in head
    assert b"Transfer-Encoding" not in head
    assert origin.gone is (not answer.endswith(b"\r\n\r\n") or b"0\r\n\r\n" in answer)
    script.check_well(client)


@pytest.mark.parametrize("name", SURPLUS)
def test_surplus_is_never_an_answer(name: str) -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(SURPLUS[name])
    assert b"one" in client.log
    assert b"forged" not in client.log
    assert client.log.count(b"HTTP/1.1") == 1
    assert origin.aborted
    assert not script.pooled
    script.check_well(client)


@pytest.mark.case(57)
def test_surplus_that_comes_later_is_none_either() -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(reply(b"one"))
    assert script.pooled == 1
    origin.gives(reply(b"forged"))
    assert origin.aborted
    assert not script.pooled
    client.gives(get())
    assert len(script.origins) == 2
    script.origins[1].gives(reply(b"two"))
    assert b"forged" not in client.log
    script.check_well(client)


@pytest.mark.parametrize("name", READABLE)
def test_readable_answers(name: str) -> None:
    script = Script()
    client = script.client(get())
    script.origins[0].gives(READABLE[name])
    head, _, body = client.log[client.log.index(b"HTTP/1.1 200 ") :].partition(b"\r\n\r\n")
    assert body == (b"4\r\nbody\r\n0\r\n\r\n" if b"chunked" in head else b"body")
    assert b"X: y" not in client.log
    script.check_well(client)


@pytest.mark.parametrize("name", ENDED)
def test_answers_that_last_until_the_end(name: str) -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(ENDED[name])
    assert not client.log.endswith(b"0\r\n\r\n")
    origin.stops_sending()
    assert client.log.endswith(b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
    assert not script.pooled
    script.check_well(client)


@pytest.mark.case(51)
def test_interim_answers_are_for_http_1_1_only() -> None:
    script = Script()
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n"
    for version, passed in ((b"1.1", 1), (b"1.0", 0)):
        client = script.client(get().replace(b"HTTP/1.1", b"HTTP/" + version))
        script.origins[0].gives(interim + reply(b"ok"))
        assert client.log.count(b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n") == passed
        assert client.log.count(b"HTTP/1.1 1") == passed
        script.check_well(client)


@pytest.mark.case(36)
def test_what_connection_lists_is_removed_from_answers() -> None:
    script = Script()
    client = script.client(get())
    script.origins[0].gives(
        reply(
            b"ok",
            b"200 OK",
            b"Connection: X-Secret, Date",
            b"X-Secret: 1",
            b"Keep-Alive: timeout=5",
            b"Proxy-Authenticate: Basic",
            b"Upgrade: h2c",
            b"Trailer: X",
            b"X-Paas-Error: forged",
            b"Date: never",
            b"Set-Cookie: a",
            b"Set-Cookie: b",
        )
    )
    names = [one.split(b":")[0] for one in client.log.split(b"\r\n")[1:5]]
    assert names == [b"Set-Cookie", b"Set-Cookie", b"Date", b"Content-Length"]
    assert b"never" not in client.log
    script.check_well(client)


@pytest.mark.case(54)
def test_a_date_is_added_where_there_is_none() -> None:
    script = Script()
    client = script.client(get() + get())
    script.origins[0].gives(reply(b"ok", b"200 OK", b"date: theirs"))
    assert client.take().lower().count(b"\r\ndate: theirs\r\n") == 1
    script.origins[0].gives(reply(b"ok"))
    assert client.take().count(b"\r\nDate: ") == 1
    script.check_well(client)


@pytest.mark.case(59)
def test_refused_silent_and_none_ready() -> None:
    script = Script(ready=False)
    waiting = script.client(get())
    assert len(script.target.waiters) == 1
    script.now += script.target.wait_limit + 1
    script.board.expire()
    assert waiting.log.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in waiting.log
    for replica in ("a", "b", "c"):
        script.ready(replica)
    script.pools.fault = REFUSED
    refused = script.client(post(b"Content-Length: 1", body=b"1"))
    assert refused.log.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_refused" in refused.log
    script.pools.fault = None
    script.ready("d")
    silent = script.client(get())
    script.expire(silent)
    assert silent.log.startswith(b"HTTP/1.1 504 ")
    assert script.origins[0].aborted
    assert script.errors == {"start_timeout": 1, "upstream_refused": 1, "upstream_timeout": 1}
    script.check_well(silent)


@pytest.mark.case(59, 63)
@pytest.mark.parametrize(("method", "requests"), [(b"GET", 2), (b"HEAD", 2), (b"POST", 1)])
def test_closed_without_an_answer(method: bytes, requests: int) -> None:
    script = Script()
    client = script.client(get().replace(b"GET", method))
    for _ in range(requests):
        script.origins[-1].leaves()
    assert len(script.origins) == requests
    assert client.log.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_reset" in client.log
    script.check_well(client)


@pytest.mark.case(63)
@pytest.mark.parametrize("answered", [b"H", b"HTTP/1.1 1", OK])
def test_never_again_after_a_byte_of_an_answer(answered: bytes) -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(answered)
    origin.leaves()
    assert len(script.origins) == 1
    assert client.log.startswith(b"HTTP/1.1 502 ")
    script.check_well(client)


@pytest.mark.case(63)
def test_never_again_once_the_body_was_streamed() -> None:
    script = Script()
    client = script.client(post(b"Content-Length: 6", body=b"123").replace(b"POST", b"PUT"))
    client.gives(b"456")
    script.origins[0].leaves()
    assert len(script.origins) == 1
    assert client.log.startswith(b"HTTP/1.1 502 ")
    script.check_well(client)


@pytest.mark.case(63)
def test_a_refused_connection_goes_elsewhere_whatever_the_method() -> None:
    script = Script()
    script.ready("r2")
    suspects: list[str] = []
    script.board.on_suspect = lambda _version, replica: suspects.append(replica)
    script.pools.later = []
    client = script.client(post(b"Content-Length: 3", body=b"abc"))
    script.pools.fault = REFUSED
    script.pools.later.pop()()
    script.pools.fault = None
    script.pools.later.pop()()
    script.pools.later = None
    assert suspects == ["r1"]
    assert script.seen[0].body == b"abc"
    script.origins[0].gives(reply(b"ok"))
    assert client.log.endswith(b"ok")
    script.check_well(client)
