"""A service's output: the logs of its versions merged, with one cursor for all of them.

A cursor names the service and how far each of its versions was read; it is good
for this service only and survives versions that come and go. Merged history is
in order of time; after it, lines come as they are written.
"""

import contextlib
import heapq
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from paas.api import answers, render
from paas.api.call import Context
from paas.api.streams import FanIn, ServerEvent
from paas.control.logs import version_log
from paas.core.model import LogLine, Service, Version
from paas.errors import NotFound

TICK = 1.0
SCANNED = 10_000
"""Lines of each version that a filter looks through."""

_PLACE = re.compile(r"([0-9]{1,15})-([0-9]{1,18})", re.ASCII)

Entry = tuple[Version, LogLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines of a service: None stands for all."""

    version: str | None = None
    replica: str | None = None
    stream: str | None = None
    text: str | None = None
    since: float | None = None
    until: float | None = None

    def versions(self, service: Service) -> list[Version]:
        return [one for one in service.versions if self.version in (None, one.name)]

    def takes(self, line: LogLine) -> bool:
        return (
            self.replica in (None, line.replica)
            and self.stream in (None, line.stream)
            and (self.since is None or line.time >= self.since)
            and (self.until is None or line.time < self.until)
            and (self.text is None or self.text.casefold() in line.text.casefold())
        )

    @property
    def filters(self) -> bool:
        return any(
            one is not None
            for one in (self.replica, self.stream, self.text, self.since, self.until)
        )


@dataclass(slots=True)
class Position:
    """How far a reader is in each version's log, by the version's number."""

    service_id: str
    places: dict[int, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None, service_id: str) -> "Position":
        """The start for what is not a cursor of this service."""
        owner, _, rest = (text or "").partition(":")
        pairs = [_PLACE.fullmatch(part) for part in rest.split(".")]
        if owner != service_id or not all(pairs):
            return cls(service_id)
        return cls(service_id, {int(pair[1]): int(pair[2]) for pair in pairs if pair})

    def of(self, version: Version) -> int:
        return self.places.get(version.number, 0)

    def advance(self, version: Version, cursor: int) -> None:
        self.places[version.number] = max(cursor, self.of(version))

    def forget_others(self, service: Service) -> None:
        """Keep the cursor short: numbers of deleted versions never come back."""
        alive = {version.number for version in service.versions}
        self.places = {number: at for number, at in self.places.items() if number in alive}

    def __str__(self) -> str:
        pairs = ".".join(f"{number}-{at}" for number, at in sorted(self.places.items()))
        return f"{self.service_id}:{pairs}"


async def history(
    context: Context, service: Service, wanted: Wanted, *, position: Position, limit: int
) -> list[answers.Line]:
    """The last `limit` wanted lines after the position, oldest first; moves it past all."""
    count = SCANNED if wanted.filters else limit
    logs: list[list[Entry]] = []
    for version in wanted.versions(service):
        key = version_log(version.id)
        lines = await context.journal.read(key, after=position.of(version), limit=count)
        if lines:
            position.advance(version, lines[0].cursor - 1)
            logs.append([(version, line) for line in lines])
    position.forget_others(service)
    found = []
    for version, line in heapq.merge(*logs, key=_time):
        position.advance(version, line.cursor)
        if wanted.takes(line):
            found.append(_line(version, line, position))
    return found[-limit:]


async def stream(
    context: Context,
    name: str,
    wanted: Wanted,
    *,
    after: str | None,
    limit: int,
    live: bool,
) -> AsyncGenerator[ServerEvent | None]:
    """History, or with a cursor all since then, then (when `live`) what comes, until the
    service, or the one wanted version, is gone; at the end an `end` event.
    """
    service = (await context.services.read(name)).service
    position = Position.parse(after, service.id)
    if not position.places or not live:
        for line in await history(context, service, wanted, position=position, limit=limit):
            yield _event(line)
    if live:
        async with contextlib.aclosing(_live(context, service, wanted, position)) as events:
            async for event in events:
                yield event
    yield ServerEvent(name="end", data="{}")


async def _live(
    context: Context, service: Service, wanted: Wanted, position: Position
) -> AsyncGenerator[ServerEvent | None]:
    fan: FanIn[Entry] = FanIn()
    followed: set[str] = set()
    try:
        while True:
            current = await _current(context, service)
            if current is None:
                return
            for version in wanted.versions(current):
                if version.id not in followed:
                    followed.add(version.id)
                    fan.add("log stream", _entries(context, version, position.of(version)))
            if wanted.version is not None and fan.ended:
                return
            item = await fan.next(TICK)
            if item is None:
                yield None
                continue
            version, line = item[0]
            position.advance(version, line.cursor)
            if wanted.takes(line):
                yield _event(_line(version, line, position))
    finally:
        await fan.close()


async def _current(context: Context, service: Service) -> Service | None:
    """The service as it is now; None when it is gone, also when another has its name."""
    try:
        now = (await context.services.read(service.name)).service
    except NotFound:
        return None
    return now if now.id == service.id else None


async def _entries(context: Context, version: Version, after: int) -> AsyncGenerator[Entry]:
    async for line in context.journal.follow(version_log(version.id), after=after):
        yield version, line


def _time(entry: Entry) -> float:
    return entry[1].time


def _line(version: Version, line: LogLine, position: Position) -> answers.Line:
    return render.line(line, version_name=version.name, cursor=str(position))


def _event(line: answers.Line) -> ServerEvent:
    return ServerEvent(id=line.cursor, data=line.model_dump_json())
