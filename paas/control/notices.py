"""Follows the events and tells places outside of those that they want.

Events are read from the store, so nothing that happens waits for this. Each place has a
bounded queue of its own and is tried again with growing pauses; what does not fit, what is
refused, and what is too old is dropped and counted. What happened while no daemon ran, and
what was queued when it ended, is not told.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from paas.aio.backoff import Backoff
from paas.aio.tasks import Tasks
from paas.control.outside import Outside
from paas.core.model import Event
from paas.core.notifying import Recipient, notice
from paas.errors import Failed, PaasError
from paas.ports import Clock, Messenger, Store
from paas.settings import Settings

log = logging.getLogger(__name__)

PACE = 1.0
"""Seconds between two looks at the events."""
READ = 1000
"""Events of one look; when there were more, the oldest are passed over."""
QUEUE = 100
"""Events that a place may be behind."""
OLDEST = 3600.0
"""Seconds after which nobody wants to hear of it any more."""
PAUSES = Backoff(first=1.0, cap=300.0)


class Place:
    """One recipient with what it has still to be told."""

    def __init__(self, recipient: Recipient) -> None:
        self.recipient = recipient
        self.waiting: deque[Event] = deque()
        self.there = asyncio.Event()
        self.sent = 0
        self.dropped = 0
        self.problem = ""

    def add(self, event: Event) -> None:
        """The oldest goes when there is no room."""
        if len(self.waiting) == QUEUE:
            self.waiting.popleft()
            self.dropped += 1
        self.waiting.append(event)
        self.there.set()


class Notices:
    """`run` follows the events; each place is served by a task of its own."""

    def __init__(
        self,
        *,
        recipients: Sequence[Recipient],
        messenger: Messenger | None,
        store: Store,
        clock: Clock,
        installation: str,
    ) -> None:
        self.places = [Place(one) for one in recipients]
        self._kinds = frozenset[str]().union(*(one.events for one in recipients))
        self._messenger = messenger
        self._store = store
        self._clock = clock
        self._installation = installation
        self._tasks = Tasks()
        self._last: int | None = None

    async def run(self) -> NoReturn:
        """Follow, for ever, what happens from the first look on."""
        if self._messenger is None or not self.places:
            await asyncio.Event().wait()
        for place in self.places:
            self._tasks.heal(f"notices to {place.recipient.host}", partial(self._serve, place))
        try:
            while True:
                await self.look()
                await self._clock.sleep(PACE)
        finally:
            await self._tasks.close()

    async def close(self) -> None:
        await self._tasks.close()
        if self._messenger is not None:
            await self._messenger.close()

    async def look(self) -> None:
        """Queue what is new. Raises what the store raises; the next look catches up."""
        if self._last is None:
            newest = await self._store.events(limit=1)
            self._last = newest[0].id if newest else 0
            return
        found = await self._store.events(kinds=self._kinds, after=self._last, limit=READ)
        for event in reversed(found):
            self._last = max(self._last, event.id)
            for place in self.places:
                if event.kind in place.recipient.events:
                    place.add(event)

    # ---- private

    async def _serve(self, place: Place) -> NoReturn:
        """One after the other, as long as there is somebody to tell."""
        failures = 0
        while True:
            await place.there.wait()
            failures = 0 if await self._tell(place) else failures + 1
            if not place.waiting:
                place.there.clear()
            await self._clock.sleep(PAUSES.delay(failures))

    async def _tell(self, place: Place) -> bool:
        """The oldest that waits; it stays in the queue only when another try may help."""
        event = place.waiting[0]
        try:
            made = notice(event, place.recipient, installation=self._installation)
            assert self._messenger is not None
            await self._messenger.send(place.recipient.url, made)
        except PaasError as error:
            self._troubled(place, error)
            old = self._clock.time() - event.time > OLDEST
            if not isinstance(error, Failed) and not old:
                return False
            place.dropped += 1
        else:
            if place.problem:
                log.info("notices are taken again", extra={"host": place.recipient.host})
            place.problem = ""
            place.sent += 1
        if place.waiting and place.waiting[0] is event:
            place.waiting.popleft()
        return True

    def _troubled(self, place: Place, error: PaasError) -> None:
        if not place.problem:
            fields = {
                "host": place.recipient.host,
                "problem": error.message,
                "advice": error.advice,
            }
            log.warning("notice was not taken", extra=fields)
        place.problem = error.message


def notices_for(settings: Settings, outside: Outside) -> Notices:
    """Those of the settings; without any nobody follows anything."""
    return Notices(
        recipients=[one.recipient for one in settings.notifications],
        messenger=outside.messenger,
        store=outside.store,
        clock=outside.clock,
        installation=settings.base_domain,
    )
