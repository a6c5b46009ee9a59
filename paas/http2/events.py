"""What a session tells its owner, one frame at a time."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal


class _Nothing(Enum):
    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING
"""A frame was handled and nobody needs to know."""


@dataclass(slots=True)
class Opened:
    """A request began; `text` is its head in the form of HTTP/1.1. `ended`: it has no body."""

    stream: int
    text: bytes
    ended: bool


@dataclass(slots=True)
class Body:
    """A piece of a request's body, empty at times. `size` is what it took of the windows;
    `consumed` gives it back.
    """

    stream: int
    data: bytes
    size: int
    ended: bool


@dataclass(slots=True)
class Gone:
    """The stream is over before its time: nothing can be said on it any more."""

    stream: int


@dataclass(slots=True)
class Room:
    """More can be sent on that stream; 0: maybe on any."""

    stream: int


Event = Opened | Body | Gone | Room | Literal[_Nothing.NOTHING]
