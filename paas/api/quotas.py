"""How much of one kind a service may have under way at a time through the API."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from paas.errors import Unavailable


class Quota:
    """At most `most` for one service; `what` and `code` are what one too many is told."""

    def __init__(self, most: int, *, what: str, code: str) -> None:
        self._most = most
        self._what = what
        self._code = code
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, service: str) -> Iterator[None]:
        """One of them, while the context lasts. Raises `Unavailable`."""
        if self._taken[service] >= self._most:
            raise Unavailable(
                f"The service '{service}' has {self._most} {self._what} under way.",
                code=self._code,
                advice="Wait until one of them has ended.",
            )
        self._taken[service] += 1
        try:
            yield
        finally:
            self._taken[service] -= 1
            if not self._taken[service]:
                del self._taken[service]


def uploads() -> Quota:
    """Each is a file on the disk before it is a deployment."""
    return Quota(4, what="uploads", code="too_many_uploads")


def streams() -> Quota:
    """Logs and events that are followed."""
    return Quota(100, what="streams", code="too_many_streams")
