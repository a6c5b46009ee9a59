"""Deliveries of git hosts as they come over the wire, trimmed to what is near what we read.

`signed` makes headers as each host does; its own functions, not those under test.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
COMMIT = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"
BEFORE = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
REPOSITORY = "https://git.example/acme/shop.git"
NOW = 1_790_000_000.0

_EVENT = {
    "github": "X-GitHub-Event",
    "gitea": "X-Gitea-Event",
    "forgejo": "X-Forgejo-Event",
    "gitlab": "X-Gitlab-Event",
    "gitlab-signed": "X-Gitlab-Event",
    "bitbucket": "X-Event-Key",
}
_PUSH = {"gitlab": "Push Hook", "gitlab-signed": "Push Hook", "bitbucket": "repo:push"}
HOSTS = tuple(_EVENT)


def payload(host: str, name: str = "push", **changes: Any) -> dict[str, Any]:
    """The payload of that file, with top-level fields replaced."""
    family = {"forgejo": "gitea", "gitlab-signed": "gitlab"}.get(host, host)
    read: dict[str, Any] = json.loads((HERE / f"{family}_{name}.json").read_text())
    return {**read, **changes}


def body(host: str, name: str = "push", **changes: Any) -> bytes:
    return json.dumps(payload(host, name, **changes)).encode()


def signed(
    host: str,
    content: bytes,
    *,
    event: str = "",
    delivery: str = "d-1",
    secret: str = SECRET,
    at: float = NOW,
) -> dict[str, str]:
    """The headers of a delivery, in lower case."""
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    event = event or _PUSH.get(host, "push")
    headers = {"content-type": "application/json", _EVENT[host].lower(): event}
    if host in ("github", "gitea", "forgejo"):
        headers |= {
            "x-github-event": event,
            "x-github-delivery": delivery,
            "x-hub-signature-256": f"sha256={digest}",
        }
    if host in ("gitea", "forgejo"):
        headers |= {
            "x-gitea-event": event,
            "x-gitea-delivery": delivery,
            "x-gitea-signature": digest,
            "x-gogs-event": event,
        }
    if host == "forgejo":
        headers |= {"x-forgejo-delivery": delivery, "x-forgejo-signature": digest}
    if host == "gitlab":
        headers |= {"x-gitlab-token": secret, "x-gitlab-event-uuid": delivery}
    if host == "gitlab-signed":
        headers |= _standard(content, delivery, secret, at)
    if host == "bitbucket":
        headers |= {"x-hub-signature": f"sha256={digest}", "x-request-uuid": delivery}
    return headers


def _standard(content: bytes, delivery: str, secret: str, at: float) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = b"%b.%d.%b" % (delivery.encode(), int(at), content)
    signature = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"v1,{signature}",
    }
