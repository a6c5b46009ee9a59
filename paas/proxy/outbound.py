"""A request's bytes on their way to a replica.

They are held until a connection is there, and kept afterwards only while they
are all that was sent: then the request can be sent once more.
"""


class Outbound:
    """`size` is what is held now; `replay` what may be sent again, None if nothing may."""

    __slots__ = ("_held", "replay", "size", "started")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self.size = 0
        self.started = False
        self.replay: bytes | None = None

    def hold(self, piece: bytes) -> None:
        self._held.append(piece)
        self.size += len(piece)

    def start(self, head: bytes) -> None:
        """Put the head before what is held of the body."""
        self.started = True
        self._held.insert(0, head)

    def first(self, *, repeatable: bool) -> bytes:
        """Take all that is held, as the first write on a connection."""
        held = self._held
        first = held[0] if len(held) == 1 else b"".join(held)
        self.clear()
        self.replay = first if repeatable else None
        return first

    def again(self, sent: bytes) -> None:
        """Hold what was sent, for another connection."""
        self.clear()
        self.replay = None
        self.hold(sent)

    def clear(self) -> None:
        self._held = []
        self.size = 0
