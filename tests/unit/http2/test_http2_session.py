"""One connection: what RFC 9113 asks of frames, streams and windows."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.http2 import frames
from paas.http2.events import Body, Gone, Opened, Room
from paas.http2.frames import (
    ACK,
    END_HEADERS,
    END_STREAM,
    MAX_FRAME,
    MAX_WINDOW,
    PADDED,
    PREFACE,
    PRIORITISED,
    ErrorCode,
)
from paas.http2.session import MOST_STREAMS
from paas.http2.streams import CONNECTION_WINDOW, STREAM_WINDOW
from tests.unit.http2.speaking import GET, HELLO, POST, Client, data, frame

LONG = 4 * MAX_FRAME


def number(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "big")


def setting(name: int, value: int) -> bytes:
    return frame(frames.SETTINGS, payload=number(name, 2) + number(value))


@pytest.fixture
def client() -> Client:
    return Client().begun()


@pytest.fixture
def asked(client: Client) -> Client:
    """Stream 1 is a request that is complete, 3 one whose body is still coming."""
    first, second = client.says(client.head(1) + client.head(3, POST, ended=False))
    assert isinstance(first, Opened)
    assert isinstance(second, Opened)
    assert (first.stream, first.ended, second.stream, second.ended) == (1, True, 3, False)
    assert second.text.startswith(b"POST / HTTP/1.1\r\n")
    return client


# ---- the beginning


def test_it_says_what_it_takes() -> None:
    client = Client()
    ours, window = client.answered()
    assert dict(frames.settings_of(ours.payload)) == {
        frames.SET_MAX_CONCURRENT_STREAMS: MOST_STREAMS,
        frames.SET_INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        frames.SET_MAX_HEADER_LIST_SIZE: 32 * 1024,
    }
    assert int.from_bytes(window.payload, "big") == CONNECTION_WINDOW - 65535
    assert client.session.in_head
    client.says(HELLO)
    [answer] = client.answered()
    assert (answer.kind, answer.flags) == (frames.SETTINGS, ACK)
    assert not client.session.in_head


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        PREFACE[:-1] + b"\r",
        PREFACE + frame(frames.PING, payload=bytes(8)),
        PREFACE + frame(frames.SETTINGS, flags=ACK),
    ],
)
def test_no_such_beginning(raw: bytes) -> None:
    client = Client()
    client.answered()
    client.says(raw)
    assert client.error() == ErrorCode.PROTOCOL_ERROR
    assert client.says(HELLO) == []


# ---- errors of the connection

BROKEN = {
    "too-long": (b"\x00\x40\x01" + bytes(6), ErrorCode.FRAME_SIZE_ERROR),
    "data-on-0": (data(0, b"x"), ErrorCode.PROTOCOL_ERROR),
    "data-on-idle": (data(5, b"x"), ErrorCode.PROTOCOL_ERROR),
    "padding": (frame(frames.DATA, 3, b"\x02x", PADDED), ErrorCode.PROTOCOL_ERROR),
    "padding-of-nothing": (frame(frames.DATA, 3, b"", PADDED), ErrorCode.FRAME_SIZE_ERROR),
    "headers-on-0": (frame(frames.HEADERS, 0, b"\x82", END_HEADERS), ErrorCode.PROTOCOL_ERROR),
    "even": (frame(frames.HEADERS, 6, b"\x82", END_HEADERS), ErrorCode.PROTOCOL_ERROR),
    "block": (frame(frames.HEADERS, 5, b"\xff\xff", END_HEADERS), ErrorCode.COMPRESSION_ERROR),
    "index": (frame(frames.HEADERS, 5, b"\xfe", END_HEADERS), ErrorCode.COMPRESSION_ERROR),
    "short-priority": (
        frame(frames.HEADERS, 5, b"\x82", END_HEADERS | PRIORITISED),
        ErrorCode.FRAME_SIZE_ERROR,
    ),
    "depends-on-itself": (
        frame(frames.HEADERS, 5, number(5) + b"\x01\x82", END_HEADERS | PRIORITISED),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "priority-on-0": (frame(frames.PRIORITY, 0, bytes(5)), ErrorCode.PROTOCOL_ERROR),
    "priority-short": (frame(frames.PRIORITY, 1, bytes(4)), ErrorCode.FRAME_SIZE_ERROR),
    "priority-long": (frame(frames.PRIORITY, 1, bytes(6)), ErrorCode.FRAME_SIZE_ERROR),
    "priority-itself": (frame(frames.PRIORITY, 1, number(1) + b"\x00"), ErrorCode.PROTOCOL_ERROR),
    "reset-on-0": (frame(frames.RST_STREAM, 0, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "reset-short": (frame(frames.RST_STREAM, 1, bytes(3)), ErrorCode.FRAME_SIZE_ERROR),
    "reset-idle": (frame(frames.RST_STREAM, 5, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "settings-on-1": (frame(frames.SETTINGS, 1), ErrorCode.PROTOCOL_ERROR),
    "settings-short": (frame(frames.SETTINGS, 0, bytes(5)), ErrorCode.FRAME_SIZE_ERROR),
    "settings-ack": (frame(frames.SETTINGS, 0, bytes(6), ACK), ErrorCode.FRAME_SIZE_ERROR),
    "push-2": (setting(frames.SET_ENABLE_PUSH, 2), ErrorCode.PROTOCOL_ERROR),
    "window-setting": (
        setting(frames.SET_INITIAL_WINDOW_SIZE, 2**31),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "frame-setting": (setting(frames.SET_MAX_FRAME_SIZE, 16383), ErrorCode.PROTOCOL_ERROR),
    "frame-setting-large": (setting(frames.SET_MAX_FRAME_SIZE, 2**24), ErrorCode.PROTOCOL_ERROR),
    "push": (frame(frames.PUSH_PROMISE, 1, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "ping-on-1": (frame(frames.PING, 1, bytes(8)), ErrorCode.PROTOCOL_ERROR),
    "ping-short": (frame(frames.PING, 0, bytes(7)), ErrorCode.FRAME_SIZE_ERROR),
    "goaway-on-1": (frame(frames.GOAWAY, 1, bytes(8)), ErrorCode.PROTOCOL_ERROR),
    "goaway-short": (frame(frames.GOAWAY, 0, bytes(7)), ErrorCode.FRAME_SIZE_ERROR),
    "window-short": (frame(frames.WINDOW_UPDATE, 0, bytes(3)), ErrorCode.FRAME_SIZE_ERROR),
    "window-0": (frame(frames.WINDOW_UPDATE, 0, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "window-over": (
        frame(frames.WINDOW_UPDATE, 0, number(MAX_WINDOW)),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "window-idle": (frame(frames.WINDOW_UPDATE, 5, number(1)), ErrorCode.PROTOCOL_ERROR),
    "continuation": (frame(frames.CONTINUATION, 1, b""), ErrorCode.PROTOCOL_ERROR),
    "within-a-head": (
        frame(frames.HEADERS, 5, b"\x82") + frame(frames.PING, 0, bytes(8)),
        ErrorCode.PROTOCOL_ERROR,
    ),
    "of-another-head": (
        frame(frames.HEADERS, 5, b"\x82") + frame(frames.CONTINUATION, 7, b""),
        ErrorCode.PROTOCOL_ERROR,
    ),
}


@pytest.mark.parametrize(("raw", "code"), BROKEN.values(), ids=BROKEN)
def test_errors_of_the_connection(asked: Client, raw: bytes, code: ErrorCode) -> None:
    asked.says(raw)
    assert asked.error() == code


def test_first_windows_that_grow_too_large(asked: Client) -> None:
    asked.says(frame(frames.WINDOW_UPDATE, 1, number(MAX_WINDOW - 65535)))
    asked.says(setting(frames.SET_INITIAL_WINDOW_SIZE, 65536))
    assert asked.error() == ErrorCode.FLOW_CONTROL_ERROR


def test_more_than_the_connections_window(client: Client) -> None:
    piece = b"x" * MAX_FRAME
    streams = range(1, 1 + 2 * (CONNECTION_WINDOW // STREAM_WINDOW), 2)
    for stream in streams:
        client.says(client.head(stream, POST, ended=False))
        client.says(data(stream, piece) * (STREAM_WINDOW // MAX_FRAME))
    assert client.error() is None
    client.says(client.head(99, POST, ended=False) + data(99, b"x"))
    assert client.error() == ErrorCode.FLOW_CONTROL_ERROR


# ---- errors of a stream

FAILED = {
    "after-its-end": (1, data(1, b"x"), ErrorCode.STREAM_CLOSED),
    "head-after-its-end": (1, frame(frames.HEADERS, 1, b"\x82", 5), ErrorCode.STREAM_CLOSED),
    "second-head": (3, frame(frames.HEADERS, 3, b"", END_HEADERS), ErrorCode.PROTOCOL_ERROR),
    "bad-trailers": (3, frame(frames.HEADERS, 3, b"\x82", 5), ErrorCode.PROTOCOL_ERROR),
    "window-0": (3, frame(frames.WINDOW_UPDATE, 3, bytes(4)), ErrorCode.PROTOCOL_ERROR),
    "window-over": (
        3,
        frame(frames.WINDOW_UPDATE, 3, number(MAX_WINDOW)),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
    "its-window": (
        3,
        data(3, b"x" * MAX_FRAME) * (STREAM_WINDOW // MAX_FRAME) + data(3, b"x"),
        ErrorCode.FLOW_CONTROL_ERROR,
    ),
}


@pytest.mark.parametrize(("stream", "raw", "code"), FAILED.values(), ids=FAILED)
def test_errors_of_a_stream(asked: Client, stream: int, raw: bytes, code: ErrorCode) -> None:
    events = asked.says(raw)
    assert events[-1] == Gone(stream)
    assert asked.resets() == {stream: code}
    assert asked.session.active == 1
    # what was on its way already is no error; the connection goes on
    assert asked.says(data(stream, b"late")) == []
    assert asked.says(asked.head(5))
    assert not asked.session.closed


@pytest.mark.parametrize(
    "fields", [[(b":method", b"GET")], [*GET, (b"x", b"\n")], [*GET, (b"content-length", b"3")]]
)
def test_malformed_requests_are_reset(client: Client, fields: list[tuple[bytes, bytes]]) -> None:
    assert client.says(client.head(1, fields)) == []
    assert client.resets() == {1: ErrorCode.PROTOCOL_ERROR}
    assert client.session.active == 0


@pytest.mark.parametrize(
    "pieces", [[b"1234"], [b"12"], [b"12", b"34"], [b""]], ids=["long", "short", "sum", "none"]
)
def test_another_length_than_declared(client: Client, pieces: list[bytes]) -> None:
    client.says(client.head(1, [*POST, (b"content-length", b"3")], ended=False))
    for piece in pieces[:-1]:
        assert client.says(data(1, piece))
    assert client.says(data(1, pieces[-1], ended=True)) == [Gone(1)]
    assert client.resets() == {1: ErrorCode.PROTOCOL_ERROR}


def test_trailers_before_the_declared_length(client: Client) -> None:
    client.says(client.head(1, [*POST, (b"content-length", b"3")], ended=False))
    assert client.says(client.head(1, [(b"x", b"1")])) == [Gone(1)]


def test_too_many_streams(client: Client) -> None:
    for stream in range(1, 2 * MOST_STREAMS, 2):
        assert client.says(client.head(stream))
    over = 2 * MOST_STREAMS + 1
    assert client.says(client.head(over)) == []
    assert client.resets() == {over: ErrorCode.REFUSED_STREAM}
    assert client.session.active == MOST_STREAMS


# ---- streams that are over


def test_frames_for_a_closed_stream(asked: Client) -> None:
    asked.session.head(1, b"\x88", ended=True)
    assert asked.session.active == 1
    assert asked.says(frame(frames.RST_STREAM, 1, bytes(4))) == []
    assert asked.says(frame(frames.WINDOW_UPDATE, 1, number(1))) == []
    assert asked.says(frame(frames.PRIORITY, 1, bytes(5))) == []
    asked.says(data(1, b"x"))
    assert asked.error() == ErrorCode.STREAM_CLOSED


def test_a_head_for_a_closed_stream(asked: Client) -> None:
    assert asked.says(frame(frames.RST_STREAM, 3, bytes(4))) == [Gone(3)]
    asked.says(asked.head(3))
    assert asked.error() == ErrorCode.STREAM_CLOSED


def test_streams_that_we_reset_are_remembered_for_a_while(client: Client) -> None:
    for stream in range(1, 801, 2):
        client.says(client.head(stream, POST, ended=False))
        client.session.reset(stream, ErrorCode.CANCEL)
    assert client.says(data(799, b"late") + client.head(797)) == []
    assert client.error() is None
    client.says(data(1, b"late"))
    assert client.error() == ErrorCode.STREAM_CLOSED


# ---- bodies and answers


def test_a_body_comes_in_pieces(asked: Client) -> None:
    padded = frame(frames.DATA, 3, b"\x02abc\x00\x00", PADDED)
    assert asked.says(padded + data(3, b"") + data(3, b"de", ended=True)) == [
        Body(3, b"abc", 6, ended=False),
        Body(3, b"", 0, ended=False),
        Body(3, b"de", 2, ended=True),
    ]


def test_trailers_end_a_body(asked: Client) -> None:
    assert asked.says(data(3, b"abc") + asked.head(3, [(b"x", b"1")]))[-1] == Body(
        3, b"", 0, ended=True
    )


def test_a_head_in_pieces(client: Client) -> None:
    block = client.encoder.encode([*GET, (b"x", b"y" * 300)])
    parts = [frame(frames.HEADERS, 1, bytes(5) + block[:10], END_STREAM | PRIORITISED)]
    parts += [
        frame(frames.CONTINUATION, 1, block[10:99]),
        frame(frames.CONTINUATION, 1, block[99:], 4),
    ]
    assert client.says(parts[0]) == []
    assert client.session.in_head
    assert client.says(parts[1]) == []
    [opened] = client.says(parts[2])
    assert isinstance(opened, Opened)
    assert b"y" * 300 in opened.text
    assert not client.session.in_head


def test_windows_are_given_back(asked: Client) -> None:
    total = 0
    for _ in range(3 * CONNECTION_WINDOW // MAX_FRAME):
        [piece] = asked.says(data(3, b"x" * MAX_FRAME))
        assert isinstance(piece, Body)
        asked.session.consumed(3, piece.size)
        total += sum(int.from_bytes(one.payload, "big") for one in asked.answered() if one.stream)
    assert not asked.session.closed
    assert 3 * CONNECTION_WINDOW - STREAM_WINDOW // 4 < total <= 3 * CONNECTION_WINDOW


def test_an_answer_and_its_windows(asked: Client) -> None:
    session = asked.session
    session.head(1, b"\x88", ended=False)
    assert session.room(1) == 65535
    session.body(1, b"x" * 65535, ended=False)
    assert [session.room(stream) for stream in (1, 3, 5)] == [0, 0, 0]
    sent = asked.answered()
    assert [len(one.payload) for one in sent[1:]] == [
        MAX_FRAME,
        MAX_FRAME,
        MAX_FRAME,
        MAX_FRAME - 1,
    ]
    assert asked.says(frame(frames.WINDOW_UPDATE, 0, number(100))) == [Room(0)]
    assert [session.room(stream) for stream in (1, 3)] == [0, 100]
    assert asked.says(frame(frames.WINDOW_UPDATE, 1, number(50))) == [Room(1)]
    assert session.room(1) == 50
    assert asked.says(setting(frames.SET_INITIAL_WINDOW_SIZE, 0)) == [Room(0)]
    assert [session.room(stream) for stream in (1, 3)] == [0, 0]
    session.body(1, b"", ended=True)
    assert asked.answered()[-1].flags == END_STREAM
    assert session.active == 1


def test_a_long_head_goes_in_pieces(asked: Client) -> None:
    asked.session.head(1, b"x" * LONG, ended=True)
    kinds = [(one.kind, one.flags, len(one.payload)) for one in asked.answered()]
    assert kinds == [
        (frames.HEADERS, END_STREAM, MAX_FRAME),
        (frames.CONTINUATION, 0, MAX_FRAME),
        (frames.CONTINUATION, 0, MAX_FRAME),
        (frames.CONTINUATION, END_HEADERS, MAX_FRAME),
    ]


def test_an_answer_before_the_requests_end(asked: Client) -> None:
    asked.session.head(3, b"\x88", ended=True)
    assert asked.session.active == 2
    assert asked.says(data(3, b"x")) == [Body(3, b"x", 1, ended=False)]
    assert asked.says(data(3, b"y", ended=True)) == [Body(3, b"y", 1, ended=True)]
    assert asked.session.active == 1


def test_nothing_can_be_said_on_a_stream_that_is_gone(asked: Client) -> None:
    asked.says(frame(frames.RST_STREAM, 1, bytes(4)))
    asked.session.head(1, b"\x88", ended=False)
    asked.session.body(1, b"x", ended=True)
    asked.session.reset(1, ErrorCode.CANCEL)
    assert asked.answered() == []


def test_what_is_ignored(asked: Client) -> None:
    raw = frame(0xFA, 7, b"grease") + frame(frames.PING, 0, bytes(8), ACK)
    raw += frame(frames.GOAWAY, 0, bytes(8)) + setting(0x99, 1) + frame(frames.SETTINGS, flags=ACK)
    assert asked.says(raw + frame(frames.PING, 0, b"12345678")) == []
    assert [(one.kind, one.payload) for one in asked.answered()] == [
        (frames.SETTINGS, b""),
        (frames.PING, b"12345678"),
    ]


# ---- the end


def test_goodbye(asked: Client) -> None:
    asked.session.goodbye(final=False)
    assert asked.says(asked.head(5))
    asked.session.goodbye(final=True)
    assert asked.says(asked.head(7) + data(7, b"x")) == []
    first, last = (int.from_bytes(one.payload[:4], "big") for one in asked.answered()[:2])
    assert (first, last) == (2**31 - 1, 5)
    assert asked.says(data(3, b"x", ended=True)) == [Body(3, b"x", 1, ended=True)]


# ---- any bytes

WHOLE = (
    HELLO
    + Client().head(1)
    + Client().head(3, POST, ended=False)
    + data(3, b"abc")
    + frame(frames.PING, 0, bytes(8))
    + data(3, b"", ended=True)
)


@given(cuts=st.lists(st.integers(min_value=0, max_value=len(WHOLE)), max_size=8))
def test_pieces_mean_the_same(cuts: list[int]) -> None:
    whole, parts = Client(), Client()
    expected = whole.says(WHOLE)
    edges = [0, *sorted(cuts), len(WHOLE)]
    found = [
        event for start, end in itertools.pairwise(edges) for event in parts.says(WHOLE[start:end])
    ]
    assert found == expected
    assert parts.session.take() == whole.session.take()


kinds = st.integers(min_value=0, max_value=11)
pieces = st.one_of(
    st.binary(max_size=40),
    st.builds(
        frame,
        kinds,
        st.integers(min_value=0, max_value=9),
        st.one_of(st.binary(max_size=20), st.sampled_from([bytes(4), bytes(8), b"\x82\x87\x84"])),
        st.integers(min_value=0, max_value=255),
    ),
)


@settings(max_examples=300, deadline=None)
@given(raw=st.lists(pieces, max_size=20))
def test_nothing_that_comes_breaks_it(raw: list[bytes]) -> None:
    client = Client().begun()
    client.says(client.head(1) + client.head(3, POST, ended=False))
    for piece in raw:
        for event in client.says(piece):
            if isinstance(event, Body):
                client.session.consumed(event.stream, event.size)
            elif isinstance(event, Opened):
                client.session.head(event.stream, b"\x88", ended=True)
        client.answered()
    assert client.session.active <= MOST_STREAMS
