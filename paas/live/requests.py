"""Requests as they are told of: those that are open, and the last of services that keep them.

A ring per service, in memory only, so memory is bounded whatever comes; a service that
does not keep its requests costs nothing.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

KEPT = 1000


class RequestKind(StrEnum):
    """STREAM is one whose answer has begun and goes on."""

    REQUEST = "request"
    STREAM = "stream"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """One request that keeps its version awake: `queued` for a replica, or at one. `since`
    (epoch, to a quarter of a second) is when it came, `client` whose it is; `path` is
    without the query. Texts are raw bytes as they came.
    """

    version_id: str
    kind: RequestKind
    client: bytes
    since: float
    method: bytes
    path: bytes
    queued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request that is over. Texts are raw bytes as they came: whoever shows them
    escapes them.

    `time` is when it began (epoch), `seconds` how long it took with its wait, of which
    `waited` for a replica; `received` and `sent` are bytes of body in and of the answer.
    `protocol` is as logs show it (`HTTP/1.1`). `error` is our own code, empty when the answer
    is none of an error of ours. `version` is empty when it reached none; `ignored`: it was no
    traffic.
    """

    time: float
    seconds: float
    waited: float
    client: bytes
    service: str
    version: str
    replica: str
    scheme: bytes
    method: bytes
    host: bytes
    target: bytes
    protocol: bytes
    status: int
    error: str
    received: int
    sent: int
    referer: bytes
    agent: bytes
    ignored: bool = False


class RequestLogs:
    """Rings by service name."""

    def __init__(self) -> None:
        self._rings: dict[str, deque[RequestRecord]] = {}

    def keep(self, service: str) -> None:
        """Keep its requests from now on; those that are kept stay."""
        self._rings.setdefault(service, deque(maxlen=KEPT))

    def add(self, record: RequestRecord) -> None:
        """One that ends after its service was told to keep none is not kept."""
        ring = self._rings.get(record.service)
        if ring is not None:
            ring.append(record)

    def recent(self, service: str, *, limit: int) -> Sequence[RequestRecord]:
        """The newest first."""
        ring = self._rings.get(service, ())
        return [record for record, _ in zip(reversed(ring), range(limit), strict=False)]

    def forget(self, service: str) -> None:
        """It keeps them no longer, or is gone."""
        self._rings.pop(service, None)
