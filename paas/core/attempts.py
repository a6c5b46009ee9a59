"""Slows down guessing: after a few failures each further try has to wait longer.

A try counts as failed from its beginning, so that many at once do not slip through;
success takes it back. Bounded in memory: the keys unused for longest are forgotten first.
"""

from dataclasses import dataclass

QUIET = 3600.0
"""Seconds without a try after which a key's failures are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    failures: int
    last: float
    not_before: float


class Attempts:
    """Failures by key: `free` of them cost nothing, then 1, 2, 4 … seconds up to `longest`."""

    def __init__(self, *, free: int, longest: float, kept: int = 10_000) -> None:
        self._free = free
        self._longest = longest
        self._kept = kept
        self._records: dict[str, _Record] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until the key may be tried again; 0.0 means now."""
        record = self._known(key, now)
        return max(0.0, record.not_before - now) if record else 0.0

    def begin(self, key: str, now: float) -> int:
        """Count one try as failed; returns the failures so far, this one included."""
        record = self._known(key, now)
        failures = record.failures + 1 if record else 1
        self._put(key, failures, now)
        return failures

    def take_back(self, key: str, now: float) -> None:
        """That one try succeeded: it does not count, those before it do."""
        record = self._known(key, now)
        if record is None or record.failures <= 1:
            self.forget(key)
        else:
            self._put(key, record.failures - 1, now)

    def forget(self, key: str) -> None:
        self._records.pop(key, None)

    def _known(self, key: str, now: float) -> _Record | None:
        record = self._records.get(key)
        return record if record and now - record.last < QUIET else None

    def _put(self, key: str, failures: int, now: float) -> None:
        self._records.pop(key, None)
        over = min(failures - self._free - 1, 30)
        delay = 0.0 if over < 0 else min(self._longest, 2.0**over)
        self._records[key] = _Record(failures=failures, last=now, not_before=now + delay)
        if len(self._records) > self._kept:
            del self._records[next(iter(self._records))]
