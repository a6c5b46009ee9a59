"""What came over a service's webhook and what became of it, as kept values."""

from dataclasses import dataclass, field
from enum import StrEnum

KEPT = 100
"""Genuine deliveries kept of a service: the newest that deployed, and as many others."""
KEPT_REFUSED = 20
KEPT_IN_ALL = 10_000


class Outcome(StrEnum):
    """REFUSED: not genuine. FAILED: genuine, but the deployment was not accepted."""

    DEPLOYED = "deployed"
    IGNORED = "ignored"
    PONG = "pong"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One call of a webhook. `delivery` is the host's own id, `fingerprint` tells a second
    sending of the same one; `event` is the host's word, `client` who called. `reason` says
    why it did not deploy.
    """

    id: str
    service_id: str
    service: str
    time: float
    host: str
    event: str
    delivery: str
    outcome: Outcome
    fingerprint: str = field(default="", repr=False)
    reason: str = ""
    deployment: str | None = None
    ref: str = ""
    commit: str = ""
    subject: str = ""
    pusher: str = ""
    client: str = ""
