"""When a disk counts as low, and when as too full to begin anything.

A level holds until there is clearly more room again, so that it does not flutter.
"""

from dataclasses import dataclass
from enum import StrEnum

SLACK_PERCENT = 1.0
"""A level ends when the use is that much below its mark."""
SLACK_BYTES = 1.25
"""And there is that many times the room that its mark asks for."""


class Level(StrEnum):
    OK = "ok"
    LOW = "low"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A file system, in bytes: `free` is what the daemon's user may still write, `used` what
    is taken; `device` tells file systems apart.
    """

    path: str
    device: int
    used: int
    free: int

    @property
    def percent(self) -> float:
        """How full it is, as `df` has it."""
        return 100.0 * self.used / max(1, self.used + self.free)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """From `warn` percent on a disk is low, from `refuse` percent on or with less than
    `reserve` bytes free it is full.
    """

    warn: float
    refuse: float
    reserve: int


def judge(space: Space, marks: Marks, before: Level = Level.OK) -> Level:
    """The level now, after it was `before`."""
    if _beyond(space, marks.refuse, marks.reserve, held=before is Level.FULL):
        return Level.FULL
    if _beyond(space, marks.warn, 0, held=before is not Level.OK):
        return Level.LOW
    return Level.OK


def worst(levels: list[Level]) -> Level:
    """The level of a host with these disks."""
    order = list(Level)
    return max(levels, key=order.index, default=Level.OK)


def _beyond(space: Space, percent: float, reserve: int, *, held: bool) -> bool:
    slack_percent, slack_bytes = (SLACK_PERCENT, SLACK_BYTES) if held else (0.0, 1.0)
    return space.percent >= percent - slack_percent or space.free < reserve * slack_bytes
