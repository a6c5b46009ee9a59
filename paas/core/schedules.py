"""Minimums that hold at certain times: "2 on weekdays from 8 to 20".

A schedule opens at each firing of one cron expression and closes at each firing of
another, in a time zone of its own; the clock's change in spring and autumn moves
neither. Expressions are those of Debian's cron (five fields; names of days and months).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

CRON_RULE = 'a cron expression of five fields that fires some day, such as "0 8 * * mon-fri"'
ZONE_RULE = "a time zone such as Europe/Berlin or UTC"

_MARGIN = timedelta(hours=3)
"""More than clocks are ever put back: local times are looked at from so far beyond, since
those of the repeated hour are not in order.
"""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """At least `min` replicas from each firing of `start` to the next one of `end`."""

    min: int
    start: str
    end: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledMin:
    """The minimum at one moment. It stays so from then to `until` (epoch seconds; None
    without schedules); `reason` is empty when none is open.
    """

    min: int = 0
    reason: str = ""
    until: float | None = None


def parse_cron(text: str) -> str:
    """The expression in its one form. Raises `ValueError` whose text completes "must be …"."""
    fields = text.split()
    try:
        if len(fields) == 5 and next(CronSim(text, _EPOCH), None) is not None:
            return " ".join(fields)
    except CronSimError:
        pass
    raise ValueError(CRON_RULE)


def parse_zone(name: str) -> str:
    """Raises `ValueError` whose text completes "must be …"."""
    try:
        _zone(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(ZONE_RULE) from None
    return name


def scheduled_min(schedules: Sequence[Schedule], wall: float) -> ScheduledMin:
    """The highest minimum of those open at `wall` (epoch seconds). Expressions and zones
    have been parsed. It costs up to milliseconds: ask again at `until`, or when the wall
    clock stepped back.
    """
    best, until = ScheduledMin(), None
    for schedule in schedules:
        moment = datetime.fromtimestamp(wall, _zone(schedule.zone))
        is_open = _last(schedule.start, moment) > _last(schedule.end, moment)
        change = _next(schedule.end if is_open else schedule.start, moment)
        if is_open and schedule.min > best.min:
            best = ScheduledMin(min=schedule.min, reason=_reason(schedule, change))
        until = min(until or change, change)
    return ScheduledMin(
        min=best.min, reason=best.reason, until=until.timestamp() if until else None
    )


def _zone(name: str) -> tzinfo:
    """UTC needs no time zone database on the host."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _last(cron: str, moment: datetime) -> datetime:
    """The latest firing up to and including `moment`. There is one: what fires at all does
    so every forty years, the longest time between two such weekdays of 29 February.
    """
    firings = CronSim(cron, _local(moment, _MARGIN), reverse=True)
    return next(one for one in _absolute(firings) if one <= moment)


def _next(cron: str, moment: datetime) -> datetime:
    """The first firing after `moment`."""
    firings = CronSim(cron, _local(moment, -_MARGIN))
    return next(one for one in _absolute(firings) if one > moment)


def _local(moment: datetime, margin: timedelta) -> datetime:
    return (moment.astimezone(UTC) + margin).astimezone(moment.tzinfo)


def _absolute(firings: Iterator[datetime]) -> Iterator[datetime]:
    """In UTC: times of one zone would be compared by what the clock on the wall shows."""
    return (one.astimezone(UTC) for one in firings)


def _reason(schedule: Schedule, end: datetime) -> str:
    local = end.astimezone(_zone(schedule.zone))
    return f"at least {schedule.min} until {local:%a %H:%M} ({schedule.zone})"
