"""A steady stream of requests beside what a test does, with every answer counted."""

import http.client
import threading
import time
from collections import Counter
from contextlib import closing
from types import TracebackType
from typing import Self

from tests.e2e.http_calls import send

WORKERS = 10


class Load:
    """`rate` requests a second from entering to leaving; half on kept connections."""

    def __init__(self, port: int, host: str, *, rate: float = 50.0) -> None:
        self._port = port
        self._headers = {"Host": host}
        self._pause = WORKERS / rate
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), name=f"load {number}")
            for number in range(WORKERS)
        ]
        self.statuses: Counter[int | str] = Counter()
        self.bodies: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def failures(self) -> dict[int | str, int]:
        """Everything that was not a 200, by status or by what broke."""
        return {status: count for status, count in self.statuses.items() if status != 200}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self, number: int) -> None:
        due = time.monotonic() + self._pause * number / WORKERS
        kept = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        with closing(kept):
            while not self._stop.wait(max(0.0, due - time.monotonic())):
                due += self._pause
                if number % 2:
                    self._ask(kept)
                else:
                    fresh = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
                    with closing(fresh):
                        self._ask(fresh)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        try:
            answer = send(connection, "GET", "/", headers=self._headers)
        except (OSError, http.client.HTTPException) as error:
            self.statuses[f"{type(error).__name__}: {error}"] += 1
            connection.close()
        else:
            code = answer.headers.get("x-paas-error")
            self.statuses[f"{answer.status} {code}" if code else answer.status] += 1
            self.bodies[answer.text.strip()] += 1
