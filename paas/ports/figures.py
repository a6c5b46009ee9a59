"""Figures that survive a restart."""

from typing import Protocol

from paas.core.figures import Kept, Rollup


class FigureStore(Protocol):
    """Minutes for a week and quarters of an hour for 90 days; bounded in all."""

    async def add(self, rollups: tuple[Rollup, ...]) -> None:
        """Add these minutes, also to what is there of them, in one transaction. Figures of
        services that are gone are left out. Raises `Unavailable`.
        """

    async def read(self, service_id: str, *, step: int, since: int, until: int) -> Kept:
        """What begins at `since` or later and before `until`; `step` is 60 or 900."""

    async def trim(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too much."""
