"""HTTP/2 over TLS on real connections, spoken by another library: requests and their limits."""

import asyncio
from dataclasses import replace

import pytest
from h2.errors import ErrorCodes

from paas.core.routing import Route
from paas.http2.frames import window_frame
from paas.http2.session import MOST_STREAMS
from paas.http2.streams import STREAM_WINDOW
from paas.proxy.accesslog import AccessLog, json_line
from tests.certificates import trusting
from tests.integration.proxy.conftest import QUICK, Stage, hello
from tests.integration.proxy.multiplex import Multiplex, fields
from tests.integration.proxy.origin import Line, Seen, reply, sends
from tests.integration.proxy.test_proxy_flow import silent
from tests.integration.proxy.test_proxy_preface import Lines
from tests.integration.proxy.wire import Wire, until

pytestmark = pytest.mark.parametrize("stage", ["tls"], indirect=True)
BIG = 1_000_000
QUICK_HEAD = replace(QUICK, head_seconds=0.1)
QUICK_WRITE = replace(QUICK, write_seconds=0.2)
QUICK_IDLE = replace(QUICK, keepalive_seconds=0.1)


# ---- requests and answers


async def test_a_request_goes_on_as_any_other(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    got = await client.ask(fields(path="/a?b=c", user_agent="me", x_forwarded_for="6.6.6.6"))
    assert (got.status, got.body) == (200, b"ok")
    [seen] = stage.origin.seen
    assert seen.target == "/a?b=c"
    assert seen.field("host") == "hello.localhost"
    assert seen.field("user-agent") == "me"
    assert seen.field("x-forwarded-for") == "127.0.0.1"
    assert seen.field("x-forwarded-proto") == "https"


async def test_http_1_is_still_there(stage: Stage) -> None:
    await stage.start()
    got = await stage.ask(b"GET / HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
    assert (got.status, got.version) == (200, "1.1")


@pytest.mark.parametrize("sized", [True, False])
async def test_a_body_of_any_size_both_ways(stage: Stage, *, sized: bool) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    data = bytes(range(256)) * (BIG // 256)
    more = {"content_length": str(len(data))} if sized else {}
    stream = client.begin(fields("POST", **more), ended=False)
    await client.upload(stream, data)
    assert (await client.answer(stream)).body == data
    [seen] = stage.origin.seen
    assert seen.field("content-length") == (str(len(data)) if sized else None)


async def test_answers_come_as_they_are_ready(stage: Stage) -> None:
    """A slow request keeps no other one of its connection waiting."""
    await stage.start()
    slow = asyncio.Event()

    async def answer(seen: Seen, line: Line) -> None:
        if seen.target == "/slow":
            await slow.wait()
        line.send(reply(seen.target.encode()))

    stage.origin.answer = answer
    client = await Multiplex.open(stage)
    late = client.begin(fields(path="/slow"))
    for number in range(20):
        assert (await client.ask(fields(path=f"/{number}"))).body == b"/%d" % number
    assert late not in client.ended
    slow.set()
    assert (await client.answer(late)).body == b"/slow"


async def test_an_answer_in_chunks_and_its_fields(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(
        b"HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Mixed: Case\r\n"
        b"Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    client = await Multiplex.open(stage)
    got = await client.ask()
    assert (got.status, got.body) == (201, b"abcde")
    assert [value for name, value in got.fields if name == "set-cookie"] == ["a=1", "b=2"]
    assert got.field("x-mixed") == "Case"
    assert not {name for name, _ in got.fields} & {"connection", "keep-alive", "transfer-encoding"}


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ],
)
async def test_answers_without_a_body(
    stage: Stage, method: str, answer: bytes, status: int
) -> None:
    await stage.start()
    stage.origin.answer = sends(answer)
    client = await Multiplex.open(stage)
    for _ in range(2):
        got = await client.ask(fields(method))
        assert (got.status, got.body) == (status, b"")


async def test_interim_answers_pass(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    client = await Multiplex.open(stage)
    got = await client.ask()
    assert (got.interim, got.status, got.body) == ([103], 200, b"ok")


async def test_cookies_in_pieces_go_on_as_one(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    await client.ask([*fields(), ("cookie", "a=1"), ("cookie", "b=2")])
    [seen] = stage.origin.seen
    assert seen.field("cookie") == "a=1; b=2"


async def test_trailers_are_dropped(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    stream = client.begin(fields("POST"), ended=False)
    client.h2.send_data(stream, b"abc")
    client.h2.send_headers(stream, [("x-late", "1")], end_stream=True)
    client.flush()
    assert (await client.answer(stream)).body == b"abc"
    [seen] = stage.origin.seen
    assert seen.field("x-late") is None


async def test_our_own_pages(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    got = await client.ask(fields(path="/a#b"))
    assert (got.status, got.code) == (400, "bad_request")
    assert got.body
    for wrong in ({"path": "/a#b"}, {"path": "/" + "x" * 9000}, {"host": "other.example"}):
        assert (await client.ask(fields("HEAD", **wrong))).body == b""
    got = await client.ask(fields(host="other.example"))
    assert (got.status, got.code) == (421, "misdirected_request")
    got = await client.ask(fields(path="/" + "x" * 9000))
    assert (got.status, got.code) == (414, "uri_too_long")
    got = await client.ask(fields(**{f"x_{number}": "1" for number in range(120)}))
    assert (got.status, got.code) == (431, "head_too_large")
    assert (await client.ask()).status == 200  # the connection went on
    stage.board.put_routes("s1", {})
    got = await client.ask()
    assert (got.status, got.code) == (404, "no_such_host")


async def test_requests_wait_for_the_first_replica(stage: Stage) -> None:
    await stage.start(ready=False)
    client = await Multiplex.open(stage)
    streams = [client.begin(fields()) for _ in range(5)]
    await until(lambda: len(stage.target.waiters) == 5)
    stage.ready(stage.origin)
    for stream in streams:
        got = await client.answer(stream)
        assert got.status == 200
        assert int(got.field("x-paas-cold-start") or 0) >= 1


async def test_the_log_says_what_was_spoken(stage: Stage) -> None:
    lines = Lines()
    access = AccessLog(json_line, lines)
    await stage.start(access=access)
    client = await Multiplex.open(stage)
    await client.ask()
    await access.flush()
    assert b'"protocol":"HTTP/2.0"' in lines.lines[0]


# ---- back-pressure


async def test_an_answer_waits_for_the_clients_windows(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(reply(b"x" * 8 * BIG))
    client = await Multiplex.open(stage)
    client.greedy = False
    stream = client.begin(fields())
    await client.until(lambda: len(client.bodies[stream]) == 65535)
    sent = await stage.steady(stage.origin.lines[0].writer.transport.get_write_buffer_size)
    assert sent > 2 * BIG  # the replica waits, not our memory
    client.greedy = True
    client.h2.acknowledge_received_data(65535, stream)
    client.flush()
    assert len((await client.answer(stream)).body) == 8 * BIG


async def test_one_that_does_not_read_keeps_no_other_waiting(stage: Stage) -> None:
    await stage.start()

    async def answer(seen: Seen, line: Line) -> None:
        line.send(reply(b"x" * (BIG if seen.target == "/big" else 10)))

    stage.origin.answer = answer
    client = await Multiplex.open(stage)
    client.h2.update_settings({4: 1000})  # a stream's first window
    client.greedy = False
    big = client.begin(fields(path="/big"))
    await client.until(lambda: len(client.bodies[big]) >= 1000)
    for _ in range(10):
        assert len((await client.ask()).body) == 10
    assert len(client.bodies[big]) == 1000


async def test_a_body_that_nobody_takes_is_bounded(stage: Stage) -> None:
    await stage.start(ready=False)
    client = await Multiplex.open(stage)
    stream = client.begin(fields("POST"), ended=False)
    data = b"x" * 16000
    while client.room(stream) >= len(data):
        client.h2.send_data(stream, data)
    client.flush()
    await until(lambda: stage.target.share.queued_bytes >= 64 * 1024)
    assert await stage.steady(lambda: stage.target.share.queued_bytes) <= STREAM_WINDOW
    assert client.room(stream) < len(data)
    stage.ready(stage.origin)
    await client.upload(stream, b"y" * BIG)
    got = await client.answer(stream)
    assert got.body.endswith(b"y" * BIG)
    assert stage.target.share.queued_bytes == 0


async def test_an_answer_before_the_end_of_the_request(stage: Stage) -> None:
    await stage.start()
    stage.board.put_routes("s1", {})
    client = await Multiplex.open(stage)
    stream = client.begin(fields("POST"), ended=False)
    got = await client.answer(stream)
    assert got.status == 404
    await client.upload(stream, b"x" * BIG)  # it is swallowed for a moment
    stage.board.put_routes("s1", {"hello.localhost": stage.route})
    assert (await client.ask()).status == 200


async def test_a_request_that_goes_on_after_its_answer_is_ended(stage: Stage) -> None:
    await stage.start()
    stage.board.put_routes("s1", {})
    client = await Multiplex.open(stage)
    stream = client.begin(fields("POST"), ended=False)
    await client.answer(stream)
    await client.until(lambda: stream in client.resets)
    assert client.resets[stream] == ErrorCodes.NO_ERROR
    stage.board.put_routes("s1", {"hello.localhost": stage.route})
    assert (await client.ask()).status == 200


# ---- ends


async def test_a_reset_stream_gives_everything_back(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = silent
    client = await Multiplex.open(stage)
    streams = [client.begin(fields()) for _ in range(10)]
    await until(lambda: stage.target.in_flight == 10)
    assert len(stage.board.survey()) == 10
    for stream in streams:
        client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    client.flush()
    await until(lambda: stage.target.in_flight == 0)
    assert stage.proxy.counters.client_gone == 10


async def test_a_connection_that_ends_takes_its_requests_along(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = silent
    client = await Multiplex.open(stage)
    for _ in range(10):
        client.begin(fields())
    await until(lambda: stage.target.in_flight == 10)
    client.wire.reset()
    await until(lambda: stage.target.in_flight == 0)
    await until(lambda: stage.proxy.connections == 0)


async def test_an_answer_that_breaks_off_is_no_whole_one(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", close=True)
    client = await Multiplex.open(stage)
    stream = client.begin(fields())
    await client.until(lambda: stream in client.resets)
    assert client.resets[stream] == ErrorCodes.INTERNAL_ERROR
    assert stage.proxy.counters.cut == 1


async def test_too_many_at_a_time_are_refused_alone(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = silent
    client = await Multiplex.open(stage)
    streams = [client.begin(fields()) for _ in range(MOST_STREAMS)]
    await until(lambda: stage.target.in_flight == MOST_STREAMS)
    client.dare()
    extra = client.begin(fields())
    await client.until(lambda: extra in client.resets)
    assert client.resets[extra] == ErrorCodes.REFUSED_STREAM
    assert not set(streams) & client.resets.keys()


async def test_an_idle_connection_is_told_and_closed(stage: Stage) -> None:
    await stage.start(QUICK)
    client = await Multiplex.open(stage)
    await client.ask()
    drained = asyncio.create_task(stage.proxy.drain(5.0))
    await client.until_closed()
    assert client.goodbyes[0] == (2**31 - 1, ErrorCodes.NO_ERROR)
    assert client.goodbyes[-1] == (1, ErrorCodes.NO_ERROR)
    await drained


async def test_requests_under_way_finish_while_it_drains(stage: Stage) -> None:
    await stage.start()
    late = asyncio.Event()

    async def answer(_seen: Seen, line: Line) -> None:
        await late.wait()
        line.send(reply(b"late"))

    stage.origin.answer = answer
    client = await Multiplex.open(stage)
    stream = client.begin(fields())
    await until(lambda: stage.target.in_flight == 1)
    drained = asyncio.create_task(stage.proxy.drain(10.0))
    await client.until(lambda: len(client.goodbyes) == 2)
    late.set()
    assert (await client.answer(stream)).body == b"late"
    await client.until_closed()
    await drained


# ---- limits


async def test_a_head_that_does_not_end_in_time(stage: Stage) -> None:
    await stage.start(QUICK_HEAD)
    client = await Multiplex.open(stage)
    client.wire.send(b"\x00\x00\x05\x01\x00\x00\x00\x00\x01" + b"\x82\x86")
    await client.until_closed()


async def test_a_connection_that_never_says_anything(stage: Stage) -> None:
    await stage.start(QUICK_HEAD)
    assert stage.listener is not None
    context = trusting(hello())
    context.set_alpn_protocols(["h2"])
    wire = await Wire.open(stage.listener.port, tls=context, name="hello.localhost")
    stage.wires.append(wire)
    await wire.bytes_until_end()


async def test_a_client_that_takes_nothing_is_cut(stage: Stage) -> None:
    await stage.start(QUICK_WRITE)
    stage.origin.answer = sends(reply(b"x" * BIG))
    client = await Multiplex.open(stage)
    client.greedy = False
    stream = client.begin(fields())
    await client.until(lambda: stream in client.resets)
    assert stage.target.in_flight == 0


async def test_an_idle_connection_ends(stage: Stage) -> None:
    await stage.start(QUICK_IDLE)
    client = await Multiplex.open(stage)
    await client.ask()
    await client.until_closed()
    assert client.goodbyes[-1] == (1, ErrorCodes.NO_ERROR)


# ---- floods: each ends its own connection, and nothing else


async def test_rapid_reset(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    for _ in range(2000):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, fields(), end_stream=True)
        client.h2.reset_stream(stream)
    client.flush()
    await client.until_closed()
    assert client.goodbyes[-1][1] == ErrorCodes.ENHANCE_YOUR_CALM
    assert stage.proxy.counters.requests <= 300
    await until(lambda: stage.target.in_flight == 0)


async def test_streams_that_we_are_made_to_reset(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = silent
    client = await Multiplex.open(stage)
    client.dare()
    raw = b""
    for _ in range(1000):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, fields(), end_stream=True)
        raw += client.h2.data_to_send() + window_frame(stream, 0)
    client.wire.send(raw)
    await client.until_closed()
    assert client.goodbyes[-1][1] == ErrorCodes.ENHANCE_YOUR_CALM
    await until(lambda: stage.target.in_flight == 0)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8),  # PING
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",  # SETTINGS
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x01",  # WINDOW_UPDATE
        b"\x00\x00\x00\xfa\x00\x00\x00\x00\x00",  # an unknown one
        b"\x00\x00\x05\x02\x00\x00\x00\x00\x01" + bytes(5),  # PRIORITY
    ],
    ids=["ping", "settings", "window", "unknown", "priority"],
)
async def test_frames_that_bring_nothing(stage: Stage, frame: bytes) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    client.wire.send(frame * 20000)
    await client.until_closed()
    assert client.goodbyes[-1][1] == ErrorCodes.ENHANCE_YOUR_CALM


async def test_a_head_without_end(stage: Stage) -> None:
    await stage.start()
    client = await Multiplex.open(stage)
    first = b"\x00\x00\x00\x01\x00\x00\x00\x00\x01"
    more = b"\x00\x00\x00\x09\x00\x00\x00\x00\x01"
    client.wire.send(first + more * 20000)
    await client.until_closed()
    assert client.goodbyes[-1][1] == ErrorCodes.ENHANCE_YOUR_CALM
    client = await Multiplex.open(stage)
    client.wire.send(first + (b"\x00\x40\x00\x09\x00\x00\x00\x00\x01" + bytes(16384)) * 10)
    await client.until_closed()
    assert client.goodbyes[-1][1] == ErrorCodes.ENHANCE_YOUR_CALM


async def test_a_connection_full_of_requests_takes_turns(stage: Stage) -> None:
    """Others are answered while one client's hundreds of requests are worked off."""
    await stage.start()
    client = await Multiplex.open(stage)
    other = await stage.wire()
    for _ in range(5):
        streams = [client.begin(fields()) for _ in range(MOST_STREAMS)]
        other.send(b"GET /other HTTP/1.1\r\nHost: hello.localhost\r\n\r\n")
        assert (await other.response()).status == 200
        for stream in streams:
            assert (await client.answer(stream)).status == 200


async def test_routes_of_other_names_need_their_own_connection(stage: Stage) -> None:
    await stage.start()
    other = Route(key="s2", service="other", schedule=("v1",))
    stage.board.put_routes("s2", {"other.localhost": other})
    client = await Multiplex.open(stage)
    assert (await client.ask(fields(host="other.localhost"))).status == 421
