"""What an event looks like to the recipient of it.

A recipient's URL often is the secret that lets its holder in, so texts about one name its
host only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from paas.core.event_kinds import KINDS
from paas.core.model import Event

USUAL = (
    "deployment.failed",
    "version.crashing",
    "version.no_memory",
    "certificate.failed",
    "certificate.expiring",
    "backup.failed",
    "disk.low",
)
"""What a recipient is told of that does not say."""
URL_RULE = "a URL such as https://host/path"
_LONGEST = 3000
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where to, in which form (`generic`, `slack`), and of what."""

    url: str = field(repr=False)
    format: str = "generic"
    events: frozenset[str] = frozenset(USUAL)

    @property
    def host(self) -> str:
        """What may be told of it."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One request: a JSON body and its own fields of the head."""

    body: bytes
    headers: Mapping[str, str]


def check_url(text: str) -> str:
    """Raises `ValueError` whose text completes "must be …"."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not text.isprintable() or " " in text:
        raise ValueError(URL_RULE)
    return text


def check_kind(text: str) -> str:
    """Raises `ValueError` whose text completes "must be …"."""
    if text not in KINDS:
        raise ValueError("a kind of event such as " + ", ".join(USUAL))
    return text


def notice(event: Event, recipient: Recipient, *, installation: str) -> Notice:
    """The request that tells the recipient; `installation` is which paas speaks."""
    document = _slack if recipient.format == "slack" else _generic
    return Notice(
        body=json.dumps(document(event, installation)).encode(),
        headers={
            "Content-Type": "application/json",
            "X-Paas-Event": event.kind,
            "X-Paas-Delivery": str(event.id),
        },
    )


def _generic(event: Event, installation: str) -> dict[str, object]:
    """The event as the API shows it, and who tells it."""
    time = datetime.fromtimestamp(event.time, UTC).isoformat(timespec="milliseconds")
    return {
        "installation": installation,
        "id": event.id,
        "time": time.replace("+00:00", "Z"),
        "kind": event.kind,
        "message": event.message,
        "actor": event.actor,
        "service": event.service,
        "version": event.version,
        "deployment": event.deployment,
        "data": dict(event.data),
    }


def _slack(event: Event, installation: str) -> dict[str, object]:
    """One message; what the event says stays text and mentions nobody."""
    advice = str(event.data.get("advice", ""))
    lines = [f"*{_plain(installation)}* {_plain(event.kind)}", _plain(event.message)]
    if advice:
        lines.append(f"_{_plain(advice)}_")
    return {"text": "\n".join(lines)[:_LONGEST]}


def _plain(text: str) -> str:
    return "".join(_ESCAPES.get(one, one) for one in text)
