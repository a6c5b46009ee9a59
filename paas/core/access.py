"""Who may do what: scopes, what a caller sees, and the tokens, users and sessions behind it.

Secrets are here only as hashes. Times are seconds of the wall clock.
"""

from dataclasses import dataclass
from enum import StrEnum

IDLE_LIMIT = 12 * 3600.0
"""A session ends after so long without a call."""
SESSION_LIMIT = 7 * 86400.0
"""A session ends then, whatever is done with it."""


class Scope(StrEnum):
    """What a caller may do; each one includes those before it."""

    READ = "read"
    DEPLOY = "deploy"
    ADMIN = "admin"

    def covers(self, needed: "Scope") -> bool:
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a caller sees: everything, or the service of that name and nothing else."""

    service: str | None = None

    def sees(self, service: str) -> bool:
        return self.service is None or self.service == service


EVERYTHING = View()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls. `actor` is the name in events, never a secret; `scope` None may do nothing
    but what anyone may. `session` is the id of the session that the call came with.
    """

    actor: str
    scope: Scope | None = None
    view: View = EVERYTHING
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token. `hash` is the SHA-256 of its text, `service` a name that need not exist
    yet, `last_used` is coarse.
    """

    id: str
    name: str
    hash: bytes
    scope: Scope
    created: float
    creator: str
    service: str | None = None
    note: str = ""
    expires: float | None = None
    last_used: float | None = None

    @property
    def actor(self) -> str:
        return f"token:{self.name}"

    def expired(self, now: float) -> bool:
        return self.expires is not None and now >= self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who signs in by password; `password` is its hash with its parameters."""

    name: str
    password: str
    role: Scope
    created: float
    creator: str
    service: str | None = None

    @property
    def actor(self) -> str:
        return f"user:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser. `hash` is the SHA-256 of its cookie, `holder` names the user, the
    token or the admin token that it stands for; `seen` is coarse.
    """

    id: str
    hash: bytes
    holder: str
    created: float
    seen: float
    address: str

    @property
    def expires(self) -> float:
        """When it ends if it is not used before."""
        return min(self.seen + IDLE_LIMIT, self.created + SESSION_LIMIT)

    def ended(self, now: float) -> bool:
        return now >= self.expires


def user_holder(name: str) -> str:
    """What a session of that user holds."""
    return f"user:{name}"


def token_holder(token_id: str) -> str:
    """What a session of that token holds."""
    return f"token:{token_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRecords:
    """All tokens, users and sessions, each by its id or name."""

    tokens: tuple[Token, ...] = ()
    users: tuple[User, ...] = ()
    sessions: tuple[Session, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What is put, replacing what has its id or name, after what is removed by it is gone."""

    put: AccessRecords = AccessRecords()
    tokens_gone: tuple[str, ...] = ()
    users_gone: tuple[str, ...] = ()
    sessions_gone: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return self == NO_ACCESS_CHANGE


NO_ACCESS_CHANGE = AccessChange()


def with_change(now: AccessRecords, change: AccessChange) -> AccessRecords:
    """The holdings after the change, in order of creation."""
    put = change.put
    tokens = {one.id: one for one in now.tokens if one.id not in change.tokens_gone}
    users = {one.name: one for one in now.users if one.name not in change.users_gone}
    sessions = {one.id: one for one in now.sessions if one.id not in change.sessions_gone}
    tokens |= {one.id: one for one in put.tokens}
    users |= {one.name: one for one in put.users}
    sessions |= {one.id: one for one in put.sessions}
    return AccessRecords(
        tokens=tuple(sorted(tokens.values(), key=lambda one: (one.created, one.id))),
        users=tuple(sorted(users.values(), key=lambda one: one.name)),
        sessions=tuple(sorted(sessions.values(), key=lambda one: (one.created, one.id))),
    )
