"""When each version was last active, kept over a restart of the daemon.

A mark is written when a row of requests begins and when it is over, so that a busy
version costs no writes, and one that sleeps none either.
"""

import logging
from typing import NoReturn

from paas.control.roster import Roster
from paas.core.idle import Mark, Moment, resumed, to_store
from paas.core.model import Change
from paas.errors import PaasError
from paas.live.board import Board
from paas.ports import Clock, Store

log = logging.getLogger(__name__)

PACE = 1.0


class ActivityMarks:
    """Carries the board's idle times from one daemon to the next."""

    def __init__(self, *, board: Board, roster: Roster, store: Store, clock: Clock) -> None:
        self._board = board
        self._roster = roster
        self._store = store
        self._clock = clock
        self._stored: dict[str, Mark] = {}
        self._failing = False

    async def load(self) -> None:
        """Set the board's idle times, once its targets are there."""
        self._stored = await self._store.activity()
        now = self._moment()
        for version_id, target in self._board.targets.items():
            target.idle_since = resumed(self._stored.get(version_id), now)

    async def run(self) -> NoReturn:
        """Write what is due, for ever."""
        while True:
            await self.save()
            await self._clock.sleep(PACE)

    async def save(self) -> None:
        """What cannot be written now is tried again at the next call."""
        due = self._due()
        if not due:
            return
        try:
            await self._store.commit(Change(activity=due))
        except PaasError as error:
            if not self._failing:
                log.warning("idle times are not kept, trying again", extra={"code": error.code})
            self._failing = True
            return
        self._failing = False
        self._stored |= due

    # ---- private

    def _due(self) -> dict[str, Mark]:
        now, due = self._moment(), {}
        for version_id in self._roster.versions() & self._board.targets.keys():
            target = self._board.targets[version_id]
            mark = to_store(
                self._stored.get(version_id),
                last_active=target.idle_since,
                busy=bool(target.in_flight or target.waiters),
                now=now,
            )
            if mark is not None:
                due[version_id] = mark
        return due

    def _moment(self) -> Moment:
        clock = self._clock
        return Moment(boot=clock.boot, monotonic=clock.monotonic(), wall=clock.time())
