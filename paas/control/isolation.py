"""Keeps the replicas' network, and the firewall on it, as they should be.

Somebody may remove the network while every version sleeps, or load other rules over
ours: each round looks at both again.
"""

from contextlib import suppress

from paas.control.addresses import Addresses
from paas.control.outside import Outside
from paas.errors import PaasError

PAUSE = 30.0


class Isolation:
    """A healing loop; while the engine is away there is nothing to look at."""

    def __init__(self, outside: Outside, addresses: Addresses) -> None:
        self._engine = outside.engine
        self._clock = outside.clock
        self._addresses = addresses

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PAUSE)
            with suppress(PaasError):
                self._addresses.found(await self._engine.open())
