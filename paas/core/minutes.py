"""How many requests each service had in the last hour, by the minute: for small pictures."""

from collections.abc import Hashable

MINUTE = 60
HOUR = 60


class MinuteCounts:
    """Keeps nothing of a key that had none for an hour."""

    def __init__(self) -> None:
        self._counts: dict[Hashable, dict[int, int]] = {}

    def add(self, key: Hashable, at: int, count: int) -> None:
        """That many more at that time, in epoch seconds."""
        if not count:
            return
        minute = at // MINUTE
        counts = self._counts.setdefault(key, {})
        counts[minute] = counts.get(minute, 0) + count

    def forget(self, now: int) -> None:
        """Drop what is older than an hour."""
        oldest = now // MINUTE - HOUR
        for key, counts in list(self._counts.items()):
            for minute in [one for one in counts if one <= oldest]:
                del counts[minute]
            if not counts:
                del self._counts[key]

    def minutes(self, key: Hashable, now: int) -> tuple[int, ...]:
        """The counts of the last hour, oldest first; the last minute is not over."""
        counts = self._counts.get(key, {})
        last = now // MINUTE
        return tuple(counts.get(minute, 0) for minute in range(last - HOUR + 1, last + 1))
