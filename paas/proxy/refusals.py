"""Clients that ask again and again for what is refused are read a little later.

A refusal is quick, so a client that does not heed its Retry-After would ask thousands of
times a second and take the time of all others. Above a number of refusals of one service in
one tick, whoever is refused gets its answer at once, and its next request is read with the
next tick.
"""

from collections import Counter
from typing import Final

from paas.proxy.turns import Reader, Turns

UNSLOWED: Final = 250
"""Refusals of one service in one tick that slow nobody."""


class Refusals:
    """Of this tick, by service, and who rests because of them."""

    __slots__ = ("_by_service", "_resting")

    def __init__(self) -> None:
        self._by_service: Counter[str] = Counter()
        self._resting: list[Reader] = []

    def refused(self, service: str, reader: Reader) -> None:
        """That client of the service was."""
        self._by_service[service] += 1
        if self._by_service[service] > UNSLOWED:
            reader.rest()
            self._resting.append(reader)

    def tick(self, turns: Turns) -> None:
        """Let them ask again, not all at once."""
        self._by_service.clear()
        resting, self._resting = self._resting, []
        for reader in resting:
            turns.queue(reader)
