"""Which requests are no traffic: those of monitors and robots that a service names.

Paths are compared byte for byte as they came: nothing is decoded or resolved, so
that no two programs can read the same rule differently.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paas.core.model import IgnoreRule


@dataclass(frozen=True, slots=True)
class Ignore:
    """A rule ready for use. `agent` is in lower case; what is empty matches everything."""

    path: bytes
    agent: bytes
    status: int


def ignore_rules(rules: Iterable[IgnoreRule]) -> tuple[Ignore, ...]:
    """The rules, in their order, as bytes."""
    return tuple(
        Ignore(
            path=(rule.path_prefix or "").encode(),
            agent=(rule.user_agent or "").lower().encode(),
            status=rule.status,
        )
        for rule in rules
    )


def ignored(rules: Sequence[Ignore], *, target: bytes, agents: Sequence[bytes]) -> Ignore | None:
    """The first rule that a request meets; `target` is in origin form, `agents` are its
    User-Agent fields.
    """
    path = target.partition(b"?")[0]
    return next((rule for rule in rules if _below(path, rule) and _by(agents, rule)), None)


def _below(path: bytes, rule: Ignore) -> bool:
    """Whether the prefix ends where a segment of the path does."""
    if not path.startswith(rule.path):
        return False
    rest = path[len(rule.path) :]
    return not rest or rule.path[-1:] in (b"", b"/") or rest.startswith(b"/")


def _by(agents: Sequence[bytes], rule: Ignore) -> bool:
    return not rule.agent or any(rule.agent in agent.lower() for agent in agents)
