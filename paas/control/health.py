"""What is known of each version's starts: failures in a row and their back-off."""

from collections.abc import Collection
from dataclasses import dataclass

from paas.aio.backoff import Backoff

STEADY_AFTER = 60.0
"""A replica that lived this long ended a row of failures, whatever comes next."""
BROKEN_AFTER = 3
"""So many failures in a row, and requests are refused at once instead of waiting."""


@dataclass(frozen=True, slots=True)
class _Row:
    failures: int
    not_before: float


class Health:
    """Failures in a row by version id; times are monotonic seconds."""

    def __init__(self, backoff: Backoff | None = None) -> None:
        self._backoff = backoff or Backoff(first=1.0, cap=300.0)
        self._rows: dict[str, _Row] = {}

    def failed(self, version_id: str, now: float, *, lived: float = 0.0) -> int:
        """Note one more failure of a replica that was ready for `lived` seconds;
        returns how many it is in a row. One that was ready and ends while the version must
        wait is of the same mishap as the last (an engine that restarts ends them all): it
        is no further failure.
        """
        if 0.0 < lived < STEADY_AFTER and now < self.not_before(version_id):
            return self.failures(version_id)
        before = self.failures(version_id) if lived < STEADY_AFTER else 0
        failures = before + 1
        self._rows[version_id] = _Row(failures, now + self._backoff.delay(failures))
        return failures

    def postpone(self, version_id: str, until: float) -> None:
        """The start failed for a reason that is not the version's own: try again later."""
        self._rows[version_id] = _Row(self.failures(version_id), until)

    def steady(self, version_id: str) -> int:
        """The version ran long enough: the row of failures is over; returns how long it was."""
        failures = self.failures(version_id)
        self._rows.pop(version_id, None)
        return failures

    def failing(self) -> list[str]:
        return list(self._rows)

    def failures(self, version_id: str) -> int:
        row = self._rows.get(version_id)
        return row.failures if row else 0

    def not_before(self, version_id: str) -> float:
        row = self._rows.get(version_id)
        return row.not_before if row else 0.0

    def forgive(self, wanted: Collection[str]) -> list[str]:
        """Drop the versions that nobody wants any more, and return them: whoever wants one
        again shall find out anew.
        """
        dropped = [version_id for version_id in self._rows if version_id not in wanted]
        for version_id in dropped:
            del self._rows[version_id]
        return dropped
