"""The outbox: small writes wait for the end of the turn, order and closing hold."""

import asyncio

from paas.proxy.outbox import SMALL, Outbox, Outlet


class Wire(asyncio.Transport):
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:  # type: ignore[override] # bytes is what we send
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing


def outlet(outbox: Outbox) -> tuple[Outlet, Wire]:
    made, wire = Outlet(outbox), Wire()
    made.transport = wire
    return made, wire


async def test_small_writes_leave_together_at_the_end_of_the_turn() -> None:
    outbox = Outbox()
    (first, wire), (second, other) = outlet(outbox), outlet(outbox)
    first.write(b"a")
    second.write(b"b")
    first.write(b"c")
    assert not wire.written
    assert not other.written
    await asyncio.sleep(0)
    assert wire.written == [b"ac"]
    assert other.written == [b"b"]


async def test_what_is_written_next_turn_leaves_then() -> None:
    made, wire = outlet(Outbox())
    for piece in (b"1", b"2"):
        made.write(piece)
        await asyncio.sleep(0)
    assert wire.written == [b"1", b"2"]


async def test_long_pieces_go_at_once_and_after_what_waited() -> None:
    made, wire = outlet(Outbox())
    made.write(b"x" * (SMALL + 1))
    assert len(wire.written) == 1
    made.write(b"head")
    made.write(b"y" * SMALL)
    assert wire.written[1:] == [b"head" + b"y" * SMALL]


async def test_a_flush_leaves_nothing_for_the_end_of_the_turn() -> None:
    made, wire = outlet(Outbox())
    made.write(b"a")
    made.flush()
    await asyncio.sleep(0)
    assert wire.written == [b"a"]


async def test_what_waits_for_a_connection_that_is_gone_or_closing_is_dropped() -> None:
    outbox = Outbox()
    (gone, _), (closing, wire), (well, open_wire) = (outlet(outbox) for _ in range(3))
    for one in (gone, closing, well):
        one.write(b"a")
    gone.transport = None
    wire.closing = True
    await asyncio.sleep(0)
    assert not wire.written
    assert open_wire.written == [b"a"]
