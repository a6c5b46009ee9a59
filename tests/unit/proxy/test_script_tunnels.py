"""Upgrades through the proxy, as scripts."""

import pytest

from paas.http1.frames import CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED
from paas.proxy.connection import ClientConnection
from paas.proxy.tunnel import Tunnel
from tests.unit.http1.answers import SWITCH, reply
from tests.unit.http1.forwarding import UPGRADE
from tests.unit.http1.hostile import get
from tests.unit.proxy.script import End, Script

ASK = get(*UPGRADE)
FRAME = b"\x81\x02hi"
OURS = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Opened(Script):
    """With one tunnel that stands, `early` sent behind the client's request."""

    def __init__(self, early: bytes = b"", behind: bytes = b"") -> None:
        super().__init__()
        self.browser = self.client(ASK + early)
        (self.origin,) = self.origins
        self.origin.take()
        self.origin.gives(SWITCH + behind)
        assert self.browser.take() == OURS + behind

    @property
    def tunnel(self) -> Tunnel:
        return self.browser.protocol._tunnel  # type: ignore[union-attr] # a side of it

    @property
    def ends(self) -> tuple[End, End]:
        return self.browser, self.origin


@pytest.mark.case(42)
def test_the_same_filter_for_101() -> None:
    script = Script()
    client = script.client(ASK)
    script.origins[0].gives(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade, X-Secret\r\nX-Secret: 1\r\n"
        b"Keep-Alive: 5\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: a\r\n"
        b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    assert client.log == (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\n"
        b"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


@pytest.mark.case(44)
def test_no_byte_is_tunnelled_before_101() -> None:
    script = Script()
    client = script.client(ASK + FRAME)
    client.gives(FRAME)
    (origin,) = script.origins
    assert origin.take().endswith(b"\r\n\r\n")
    origin.gives(SWITCH)
    assert origin.take() == FRAME + FRAME
    assert client.take() == OURS


@pytest.mark.case(44)
def test_data_right_behind_the_handshake_from_both() -> None:
    script = Opened(early=FRAME, behind=FRAME * 2)
    assert script.origin.take() == FRAME


@pytest.mark.case(45)
@pytest.mark.parametrize(
    "answer",
    [
        SWITCH.replace(b"websocket", b"h2c"),
        SWITCH.replace(b"Connection: Upgrade\r\n", b""),
        SWITCH.replace(b"Upgrade: websocket\r\n", b""),
    ],
)
def test_a_101_for_something_else_is_502(answer: bytes) -> None:
    script = Script()
    client = script.client(ASK + FRAME)
    (origin,) = script.origins
    origin.take()
    origin.gives(answer + FRAME)
    assert client.log.startswith(b"HTTP/1.1 502 ")
    assert origin.aborted
    assert not origin.written
    script.check_well(client)


@pytest.mark.case(45)
def test_an_ordinary_answer_to_an_upgrade_leaves_an_ordinary_connection() -> None:
    script = Script()
    client = script.client(ASK + get())
    (origin,) = script.origins
    origin.gives(
        reply(
            b"no",
            b"426 Upgrade Required",
            b"Connection: upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
        )
    )
    head = client.take()
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in head
    assert b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nno" in head
    origin.gives(reply(b"yes"))
    assert client.take().endswith(b"yes")
    assert origin.log.count(b"GET /x HTTP/1.1\r\n") == 2
    script.check_well(client)


@pytest.mark.case(46)
def test_an_upgraded_connection_is_never_pooled() -> None:
    script = Opened()
    assert not script.pooled
    other = script.client(get())
    assert len(script.origins) == 2
    script.origins[1].gives(reply(b"ok"))
    for end in script.ends:
        end.leaves()
    assert script.pooled == 1
    script.check_well(other)


@pytest.mark.case(48)
@pytest.mark.parametrize("first", [0, 1])
def test_a_close_on_either_side_ends_both(first: int) -> None:
    script = Opened()
    script.ends[first].leaves()
    other = script.ends[1 - first]
    assert other.closed
    assert script.target.in_flight == 1
    other.leaves()
    script.check_well(other)


@pytest.mark.case(48)
@pytest.mark.parametrize("first", [0, 1])
def test_a_failure_on_either_side_resets_the_other(first: int) -> None:
    script = Opened()
    script.ends[first].leaves(ConnectionResetError())
    assert script.ends[1 - first].aborted
    script.check_well(script.browser)


@pytest.mark.case(48)
def test_half_close_is_passed_on() -> None:
    script = Opened()
    script.browser.stops_sending()
    assert script.origin.ended
    assert not script.origin.gone
    script.origin.gives(FRAME)
    assert script.browser.take() == FRAME
    script.origin.stops_sending()
    assert script.browser.closed
    assert script.origin.closed
    script.check_well(script.browser)


@pytest.mark.case(48)
def test_silence_and_a_shutdown_say_goodbye_between_frames() -> None:
    whole, torn = Opened(), Opened()
    torn.origin.gives(FRAME[:3])
    torn.browser.take()
    for script in (whole, torn):
        script.tunnel.expired()
        assert not script.browser.gone
    assert whole.browser.take() == CLOSE_GOING_AWAY
    assert whole.origin.take() == CLOSE_GOING_AWAY_MASKED
    assert torn.browser.take() == b""
    for script in (whole, torn):
        script.tunnel.expired()
        assert script.browser.aborted
        assert script.origin.aborted
    whole.check_well(whole.browser)


@pytest.mark.case(48)
def test_a_drained_replica_that_ends_says_goodbye() -> None:
    script = Opened()
    script.board.drain("v1", "r1")
    script.origin.stops_sending()
    assert script.browser.take() == CLOSE_GOING_AWAY
    assert script.browser.ended


@pytest.mark.case(48)
def test_back_pressure_both_ways() -> None:
    script = Opened()
    for near, far in (script.ends, script.ends[::-1]):
        assert near.protocol is not None
        near.protocol.pause_writing()
        assert not far.reading
        near.protocol.resume_writing()
        assert far.reading


@pytest.mark.case(47)
def test_a_refused_upgrade_opens_nothing() -> None:
    script = Script()
    client = script.client(ASK.replace(b"GET", b"POST") + FRAME)
    assert isinstance(client.protocol, ClientConnection)
    (origin,) = script.origins
    assert not origin.log.endswith(FRAME)
    origin.gives(reply(b"ok"))
    assert b"HTTP/1.1 400 " in client.log
    assert client.ended
    script.check_well(client)
