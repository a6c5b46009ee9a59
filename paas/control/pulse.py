"""How late the event loop is: what every request may have waited for it."""

from collections import deque
from typing import NoReturn

from paas.ports import Clock

PACE = 0.25
REMEMBERED = 240


class Pulse:
    """Sleeps again and again, and notes how much later than asked it woke up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lags: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def worst(self) -> float:
        """The longest delay of the last minute, seconds."""
        return max(self._lags, default=0.0)

    async def run(self) -> NoReturn:
        """For ever."""
        while True:
            asked = self._clock.monotonic() + PACE
            await self._clock.sleep(PACE)
            self._lags.append(max(0.0, self._clock.monotonic() - asked))
