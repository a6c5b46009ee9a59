"""Every kind of event there is, by the noun that it is about.

A test holds the list against what the control plane writes.
"""

_VERBS = {
    "service": ("configured", "created", "deleted"),
    "deployment": ("queued", "succeeded", "failed", "cancelled"),
    "version": (
        "awake",
        "crashing",
        "deleted",
        "edited",
        "frozen",
        "no_memory",
        "pruned",
        "recovered",
        "scaled",
        "stopped",
    ),
    "replica": ("exited", "failed", "started", "woken"),
    "traffic": ("changed", "rolled_back"),
    "domain": ("added", "removed"),
    "hook": ("removed", "renewed"),
    "registry": ("added", "removed"),
    "token": ("created", "revoked"),
    "user": ("changed", "created", "deleted"),
    "session": ("ended", "refused", "started"),
    "disk": ("low", "recovered"),
    "backup": ("failed", "made", "recovered"),
    "certificate": ("expiring", "failed", "issued", "removed", "renewed", "uploaded"),
}
NOUNS = tuple(_VERBS)


def kinds_of(noun: str) -> tuple[str, ...]:
    """All kinds about that noun; empty for what is none."""
    return tuple(f"{noun}.{verb}" for verb in _VERBS.get(noun, ()))


KINDS = tuple(kind for noun in NOUNS for kind in kinds_of(noun))
