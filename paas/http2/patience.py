"""How much a client may ask for that costs us and brings it nothing.

Resets of streams, pings, settings, empty frames: each is legal, and each in great numbers
is an attack (CVE-2019-9512 and its kin, rapid reset CVE-2023-44487, streams that we are
made to reset CVE-2025-8671). All draw on one account, which fills with time and with
answers that were taken.
"""

from typing import Final

MOST: Final = 2000.0
PER_SECOND: Final = 200.0
SMALL: Final = 1.0
"""A control frame, or one that brought nothing."""
RESET: Final = 10.0
"""A stream that began for nothing, whoever ended it. An answer to its end earns as much."""
PER_KIB: Final = 1.0
"""Earned by body sent: whoever takes it has to give windows back."""


class Patience:
    """The account of one connection, on a clock in seconds."""

    __slots__ = ("_left", "_since")

    def __init__(self, now: float) -> None:
        self._left = MOST
        self._since = now

    def spend(self, cost: float, now: float) -> bool:
        """Whether it lasts."""
        self._left -= cost
        if self._left < 0:
            self.earn((now - self._since) * PER_SECOND)
            self._since = now
        return self._left >= 0

    def earn(self, gain: float) -> None:
        self._left = min(MOST, self._left + gain)
