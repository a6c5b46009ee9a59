"""Request bodies about tokens, users and sessions."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from paas.api.schema import Body
from paas.api.texts import Note, Text
from paas.core.names import SERVICE_RULE, check_service_name
from paas.errors import FieldError, Invalid

LONGEST_LIFE = 10 * 366 * 86400
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1000

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,59}", re.ASCII)


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise ValueError(
            "up to 60 letters, digits and . _ - + @, of which the first is a letter or digit"
        )
    return value


def _service(value: str) -> str:
    try:
        return check_service_name(value)
    except Invalid:
        raise ValueError(f"a service's name: {SERVICE_RULE}") from None


def _password(value: str) -> str:
    if not SHORTEST_PASSWORD <= len(value) <= LONGEST_PASSWORD:
        raise ValueError(f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters long")
    return value


ScopeName = Literal["read", "deploy", "admin"]
Label = Annotated[str, AfterValidator(_label)]
ServiceName = Annotated[str, AfterValidator(_service)]
Password = Annotated[Text, AfterValidator(_password)]
Proof = Annotated[Text, Field(min_length=1, max_length=LONGEST_PASSWORD)]


class NewToken(Body):
    """`service` binds it to the service of that name; `expires_in` is in seconds."""

    name: Label
    scope: ScopeName
    service: ServiceName | None = None
    note: Note = ""
    expires_in: Annotated[float, Field(ge=1, le=LONGEST_LIFE)] | None = None


class NewUser(Body):
    name: Label
    password: Password = Field(repr=False)
    role: ScopeName
    service: ServiceName | None = None


class UserChanges(Body):
    """With a new password all the user's sessions end."""

    password: Password | None = Field(default=None, repr=False)
    role: ScopeName | None = None


class NewSession(Body):
    """A user with the password, or a token."""

    user: Label | None = None
    password: Proof | None = Field(default=None, repr=False)
    token: Proof | None = Field(default=None, repr=False)

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:
        given = {name for name in ("user", "password", "token") if raw.get(name) is not None}
        if given in ({"token"}, {"user", "password"}):
            return
        yield FieldError(field="user", message="must come with a password, or a token alone")
