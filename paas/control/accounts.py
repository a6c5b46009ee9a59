"""API tokens and users: made, listed, changed and removed, each with its event."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from paas.control.ledger import Decision, Ledger, hashed
from paas.core.access import (
    AccessChange,
    AccessRecords,
    Scope,
    Token,
    User,
    token_holder,
    user_holder,
)
from paas.core.model import Event
from paas.core.passwords import SALT_BYTES, hash_password
from paas.errors import Conflict, FieldError, NotFound
from paas.ports import Clock

TOKEN_PREFIX = "paas_"  # noqa: S105 - what leaked tokens are found by
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What is asked for; `expires_in` in seconds, None for a token that stays."""

    name: str
    scope: Scope
    service: str | None = None
    note: str = ""
    expires_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What is asked for, with the password in clear text."""

    name: str
    password: str
    role: Scope
    service: str | None = None


class TokenBook:
    """API tokens; the text of one is known only to who made it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def list(self) -> Sequence[Token]:
        """In order of creation."""
        return self._ledger.holdings.tokens

    async def create(self, wanted: NewToken, *, actor: str) -> tuple[Token, str]:
        """The token and, this once, its text. Raises `Conflict` (`token_exists`)."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock.time()
        token = Token(
            id=f"tok_{secrets.token_hex(8)}",
            name=wanted.name,
            hash=hashed(secret),
            scope=wanted.scope,
            service=wanted.service,
            note=wanted.note,
            created=now,
            creator=actor,
            expires=None if wanted.expires_in is None else now + wanted.expires_in,
        )

        def decide(holdings: AccessRecords) -> Decision:
            if any(one.name == token.name for one in holdings.tokens):
                raise _exists("token", token.name)
            reach = f" for {token.service}" if token.service else ""
            message = f"The token {token.name} was made: {token.scope}{reach}."
            event = Event(kind="token.created", time=now, actor=actor, message=message)
            return AccessChange(put=AccessRecords(tokens=(token,))), (_about(event, token),)

        await self._ledger.change(decide)
        return token, secret

    async def revoke(self, token_id: str, *, actor: str) -> None:
        """It is refused from now on, and its sessions end. Raises `NotFound`
        (`no_such_token`).
        """

        def decide(holdings: AccessRecords) -> Decision:
            token = next((one for one in holdings.tokens if one.id == token_id), None)
            if token is None:
                raise NotFound(f"There is no token {token_id!r}.", code="no_such_token")
            event = Event(
                kind="token.revoked",
                time=self._clock.time(),
                actor=actor,
                message=f"The token {token.name} was revoked.",
            )
            gone = _sessions_of(holdings, token_holder(token_id))
            change = AccessChange(tokens_gone=(token_id,), sessions_gone=gone)
            return change, (_about(event, token),)

        await self._ledger.change(decide)


class UserBook:
    """Users; there is none until somebody makes one, and no password but what they chose."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def list(self) -> Sequence[User]:
        """By name."""
        return self._ledger.holdings.users

    async def create(self, wanted: NewUser, *, actor: str) -> User:
        """Raises `Conflict` (`user_exists`)."""
        user = User(
            name=wanted.name,
            password=await _hash(wanted.password),
            role=wanted.role,
            service=wanted.service,
            created=self._clock.time(),
            creator=actor,
        )

        def decide(holdings: AccessRecords) -> Decision:
            if any(one.name == user.name for one in holdings.users):
                raise _exists("user", user.name)
            message = f"The user {user.name} was made with the role {user.role}."
            event = self._event("user.created", message, actor)
            return AccessChange(put=AccessRecords(users=(user,))), (event,)

        await self._ledger.change(decide)
        return user

    async def change(
        self, name: str, *, actor: str, password: str | None = None, role: Scope | None = None
    ) -> User:
        """With a new password all the user's sessions end; a role counts at once. Raises
        `NotFound` (`no_such_user`).
        """
        self._get(self._ledger.holdings, name)
        secret = None if password is None else await _hash(password)

        def decide(holdings: AccessRecords) -> Decision:
            user = self._get(holdings, name)
            after = replace(user, password=secret or user.password, role=role or user.role)
            gone = _sessions_of(holdings, user_holder(name)) if secret else ()
            what = [*(["password"] if secret else []), *([f"role, to {role}"] if role else [])]
            if not what:
                return AccessChange(), ()
            message = f"The {' and the '.join(what)} of the user {name} was changed."
            change = AccessChange(put=AccessRecords(users=(after,)), sessions_gone=gone)
            return change, (self._event("user.changed", message, actor),)

        await self._ledger.change(decide)
        return self._get(self._ledger.holdings, name)

    async def delete(self, name: str, *, actor: str) -> None:
        """With all sessions. Raises `NotFound` (`no_such_user`)."""

        def decide(holdings: AccessRecords) -> Decision:
            self._get(holdings, name)
            gone = _sessions_of(holdings, user_holder(name))
            event = self._event("user.deleted", f"The user {name} was deleted.", actor)
            return AccessChange(users_gone=(name,), sessions_gone=gone), (event,)

        await self._ledger.change(decide)

    def _get(self, holdings: AccessRecords, name: str) -> User:
        user = next((one for one in holdings.users if one.name == name), None)
        if user is None:
            raise NotFound(f"There is no user {name!r}.", code="no_such_user")
        return user

    def _event(self, kind: str, message: str, actor: str) -> Event:
        return Event(kind=kind, time=self._clock.time(), actor=actor, message=message)


async def _hash(password: str) -> str:
    """In a thread: it is slow on purpose."""
    salt = secrets.token_bytes(SALT_BYTES)
    return await asyncio.to_thread(hash_password, password, salt=salt)


def _sessions_of(holdings: AccessRecords, holder: str) -> tuple[str, ...]:
    return tuple(one.id for one in holdings.sessions if one.holder == holder)


def _about(event: Event, token: Token) -> Event:
    data = {"token": token.id, "scope": str(token.scope), "service": token.service}
    return replace(event, data=data)


def _exists(what: str, name: str) -> Conflict:
    return Conflict(
        f"There is a {what} {name!r} already.",
        code=f"{what}_exists",
        advice="Choose another name, or remove that one first.",
        fields=(FieldError(field="name", message="must not be taken"),),
    )
