"""Webhooks of git hosts: who sent one, whether it is genuine, which delivery it is.

Nothing of a body is read here but its bytes. Every comparison takes the same time
whatever is wrong, and a delivery without a secret of ours costs as much as one with.
Header names are in lower case.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SECRET_BYTES = 32
TOLERANCE = 300.0
"""Seconds that a signed timestamp may be off."""

_PREFIX = "whsec_"
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_KIND = re.compile(r"[\x20-\x7e]{1,100}")
_HEX = re.compile(r"[0-9a-fA-F]{64}")

Headers = Mapping[str, str]


class GitHost(StrEnum):
    """Which software sends the hook."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"
    BITBUCKET = "bitbucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the headers say. `kind` is the host's own name of the event, `delivery` its id
    of this delivery, empty where it gives none.
    """

    host: GitHost
    kind: str
    delivery: str = ""


_EVENTS = (
    (GitHost.FORGEJO, "x-forgejo-event"),
    (GitHost.GITEA, "x-gitea-event"),
    (GitHost.GITLAB, "x-gitlab-event"),
    (GitHost.BITBUCKET, "x-event-key"),
    (GitHost.GITHUB, "x-github-event"),
)
"""In this order: Forgejo sends Gitea's headers too, and both send GitHub's."""

_DELIVERIES = {
    GitHost.FORGEJO: ("x-forgejo-delivery", "x-gitea-delivery"),
    GitHost.GITEA: ("x-gitea-delivery",),
    GitHost.GITLAB: ("webhook-id", "idempotency-key", "x-gitlab-event-uuid"),
    GitHost.BITBUCKET: ("x-request-uuid",),
    GitHost.GITHUB: ("x-github-delivery",),
}


def envelope(headers: Headers) -> Envelope | None:
    """Who sent it; None when no host that we know did."""
    for host, event in _EVENTS:
        kind = headers.get(event, "")
        if _KIND.fullmatch(kind):
            given = (headers.get(name, "") for name in _DELIVERIES[host])
            delivery = next((one for one in given if _ID.fullmatch(one)), "")
            return Envelope(host=host, kind=kind, delivery=delivery)
    return None


def new_secret(random: bytes) -> str:
    """A secret of `SECRET_BYTES` random bytes, in the form that every host takes (and that
    GitLab's signing token demands).
    """
    return _PREFIX + base64.b64encode(random).decode("ascii")


def genuine(
    found: Envelope | None, headers: Headers, body: bytes, *, secret: str, now: float
) -> bool:
    """Whether the holder of `secret` sent exactly this body. `now` is seconds since the
    epoch, for the one kind of signature that has a time.
    """
    match found.host if found else None:
        case GitHost.GITLAB:
            return _gitlab(headers, body, secret, now)
        case GitHost.FORGEJO | GitHost.GITEA:
            given = headers.get("x-forgejo-signature") or headers.get("x-gitea-signature", "")
        case GitHost.BITBUCKET:
            given = headers.get("x-hub-signature", "").removeprefix("sha256=")
        case _:
            given = headers.get("x-hub-signature-256", "").removeprefix("sha256=")
    expected = hmac.digest(secret.encode(), body, "sha256")
    signed = bytes.fromhex(given) if _HEX.fullmatch(given) else bytes(len(expected))
    return hmac.compare_digest(signed, expected) and found is not None


def fingerprint(found: Envelope, body: bytes) -> str:
    """What stays the same when somebody sends a delivery a second time: its id alone is
    no proof where only the body is signed. Hosts that sign the id, or nothing at all, are
    told apart by the id.
    """
    signed_alone = found.host is not GitHost.GITLAB or not found.delivery
    seen = body if signed_alone else found.delivery.encode()
    return hashlib.sha256(seen).hexdigest()


def _gitlab(headers: Headers, body: bytes, secret: str, now: float) -> bool:
    """A signature counts before the token, and is not made up for by it."""
    signature = headers.get("webhook-signature")
    if signature is None:
        given = hashlib.sha256(_raw(headers.get("x-gitlab-token", ""))).digest()
        return hmac.compare_digest(given, hashlib.sha256(secret.encode()).digest())
    stamp = headers.get("webhook-timestamp", "")
    content = _raw(f"{headers.get('webhook-id', '')}.{stamp}.") + body
    expected = base64.b64encode(hmac.digest(_signing_key(secret), content, "sha256"))
    right = False
    for one in signature.split(" ")[:5]:
        version, _, given_text = one.partition(",")
        matches = hmac.compare_digest(_raw(given_text), expected)
        right |= matches and version == "v1"
    return right and _recent(stamp, now)


def _raw(text: str) -> bytes:
    """A field's bytes, whatever they are."""
    return text.encode("utf-8", "surrogateescape")


def _signing_key(secret: str) -> bytes:
    """As Standard Webhooks has it: the bytes behind the prefix."""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def _recent(stamp: str, now: float) -> bool:
    usable = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    return usable and abs(int(stamp) - now) <= TOLERANCE
