"""A place that takes notices, unless it was told otherwise."""

import json
from typing import Any

from paas.core.notifying import Notice
from paas.errors import Failed, Unavailable


class FakeMessenger:
    """`taken` is what arrived, by URL; `status` by URL is what a place answers (200)."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, Any]]] = []
        self.status: dict[str, int] = {}
        self.tries = 0
        self.closed = False

    async def send(self, url: str, notice: Notice) -> None:
        self.tries += 1
        status = self.status.get(url, 200)
        if status >= 500:
            raise Unavailable(f"The place answered with {status}.", code="notice_away")
        if status >= 300:
            raise Failed(f"The place answered with {status}.", code="notice_refused")
        self.taken.append((url, json.loads(notice.body)))

    async def close(self) -> None:
        self.closed = True
