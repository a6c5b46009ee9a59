"""Answers about tokens, users and sessions. Secrets appear once, in what made them."""

from typing import Literal

from paas.api.answers import Shape, Time

ScopeName = Literal["read", "deploy", "admin"]


class Token(Shape):
    """`last_used` is coarse: within minutes."""

    id: str
    name: str
    scope: ScopeName
    service: str | None
    note: str
    created: Time
    creator: str
    expires: Time | None
    last_used: Time | None


class Tokens(Shape):
    items: list[Token]


class CreatedToken(Token):
    """`token` is the token itself, shown this once."""

    token: str


class User(Shape):
    name: str
    role: ScopeName
    service: str | None
    created: Time
    creator: str


class Users(Shape):
    items: list[User]


class Session(Shape):
    """A signed-in browser; `seen` is coarse, `expires` when it ends unless it is used."""

    id: str
    actor: str
    address: str
    created: Time
    seen: Time
    expires: Time


class Sessions(Shape):
    items: list[Session]


class Caller(Shape):
    """Who calls. `csrf` goes with every change that a session makes, in X-CSRF-Token."""

    actor: str
    scope: ScopeName
    service: str | None
    session: str | None
    expires: Time | None
    csrf: str | None
