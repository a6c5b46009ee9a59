"""What costs us and brings a client nothing ends its connection; ordinary use never does."""

import pytest

from paas.http2 import frames
from paas.http2.events import Body, Opened
from paas.http2.frames import MAX_FRAME, ErrorCode
from paas.http2.patience import MOST, PER_SECOND, RESET, Patience
from tests.unit.http2.speaking import GET, POST, Client, data, frame

TRIES = 5000
NUMBER = (1).to_bytes(4, "big")


@pytest.fixture
def client() -> Client:
    return Client().begun()


def endures(client: Client, raw: list[bytes]) -> int:
    """How many of these were handled before the connection ended."""
    for count, piece in enumerate(raw):
        client.says(piece)
        if client.session.closed:
            assert client.error() == ErrorCode.ENHANCE_YOUR_CALM
            return count
    return len(raw)


REPEATED = {
    "ping": frame(frames.PING, 0, bytes(8)),
    "ping-ack": frame(frames.PING, 0, bytes(8), frames.ACK),
    "settings": frame(frames.SETTINGS),
    "settings-ack": frame(frames.SETTINGS, flags=frames.ACK),
    "window": frame(frames.WINDOW_UPDATE, 0, NUMBER),
    "window-of-a-stream": frame(frames.WINDOW_UPDATE, 1, NUMBER),
    "window-of-a-closed-one": frame(frames.WINDOW_UPDATE, 3, NUMBER),
    "priority": frame(frames.PRIORITY, 9, bytes(5)),
    "reset-of-a-closed-one": frame(frames.RST_STREAM, 3, bytes(4)),
    "goaway": frame(frames.GOAWAY, 0, bytes(8)),
    "unknown": frame(0xFA, 0, b""),
    "empty-data": data(1, b""),
    "late-data": data(5, b"x"),
}


@pytest.mark.parametrize("raw", REPEATED.values(), ids=REPEATED)
def test_frames_that_bring_nothing(client: Client, raw: bytes) -> None:
    client.says(client.head(1, POST, ended=False) + client.head(3) + client.head(5))
    client.says(frame(frames.RST_STREAM, 3, bytes(4)))
    client.session.reset(5, ErrorCode.CANCEL)
    assert MOST - 50 < endures(client, [raw] * TRIES) <= MOST


def test_late_trailers(client: Client) -> None:
    client.says(client.head(1, POST, ended=False))
    client.session.reset(1, ErrorCode.CANCEL)
    assert endures(client, [client.head(1, [(b"x", b"1")]) for _ in range(TRIES)]) <= MOST


def test_rapid_reset(client: Client) -> None:
    raw = [client.head(n) + frame(frames.RST_STREAM, n, bytes(4)) for n in range(1, TRIES, 2)]
    assert endures(client, raw) <= MOST / RESET


def test_streams_that_we_are_made_to_reset(client: Client) -> None:
    raw = [client.head(n) + frame(frames.WINDOW_UPDATE, n, bytes(4)) for n in range(1, TRIES, 2)]
    assert endures(client, raw) <= MOST / RESET


def test_malformed_requests(client: Client) -> None:
    raw = [client.head(n, [*GET, (b"X", b"1")]) for n in range(1, TRIES, 2)]
    assert endures(client, raw) <= MOST / RESET


def test_more_streams_than_allowed(client: Client) -> None:
    raw = [client.head(n) for n in range(1, TRIES, 2)]
    assert endures(client, raw) <= 100 + MOST / RESET


def test_streams_after_our_goodbye(client: Client) -> None:
    client.session.goodbye(final=True)
    raw = [client.head(n) for n in range(1, 2 * TRIES, 2)]
    assert endures(client, raw) <= MOST


def test_a_head_without_end(client: Client) -> None:
    client.says(frame(frames.HEADERS, 1, b""))
    assert endures(client, [frame(frames.CONTINUATION, 1, b"")] * TRIES) <= MOST


def test_a_head_that_is_too_large(client: Client) -> None:
    client.says(frame(frames.HEADERS, 1, b""))
    assert endures(client, [frame(frames.CONTINUATION, 1, bytes(MAX_FRAME))] * 9) <= 4


def test_a_head_that_unpacks_to_too_much(client: Client) -> None:
    client.says(client.head(1, [*GET, (b"x-bomb", b"x" * 3900)]))
    entry = b"\xbe"  # the newest entry of the table
    client.says(frame(frames.HEADERS, 3, entry * 40, frames.END_HEADERS))
    assert client.error() == ErrorCode.ENHANCE_YOUR_CALM


def test_ordinary_use_is_never_too_much(client: Client) -> None:
    """Ten thousand answers, each taken with window updates; every second upload is given up
    once its answer is there.
    """
    for stream in range(1, 20_001, 2):
        [opened] = client.says(client.head(stream, POST, ended=False))
        assert isinstance(opened, Opened)
        [piece] = client.says(data(stream, b"x" * 100, ended=True))
        assert isinstance(piece, Body)
        client.session.consumed(stream, piece.size)
        client.session.head(stream, b"\x88", ended=False)
        for last in (False, True):
            client.session.body(stream, b"x" * 5000, ended=last)
            client.says(frame(frames.WINDOW_UPDATE, 0, (5000).to_bytes(4, "big")))
        client.says(frame(frames.PRIORITY, stream, bytes(5)))
        assert not client.session.closed, stream
        client.answered()


def test_patience_comes_back() -> None:
    patience = Patience(100.0)
    assert patience.spend(MOST, 100.0)
    assert not patience.spend(1, 100.0)
    assert patience.spend(PER_SECOND - 2, 101.0)
    patience.earn(10 * MOST)
    assert patience.spend(MOST, 101.0)
    assert not patience.spend(1, 101.0)
