"""What the hook of a repository says of a push that it wants deployed."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from paas.api.schema import Body
from paas.api.texts import Branch

_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TICKET = re.compile(r"[0-9a-f]{64}")


def _revision(value: str) -> str:
    if not _REVISION.fullmatch(value):
        raise ValueError("the full id of a commit")
    return value


def _ticket(value: str) -> str:
    if value and not _TICKET.fullmatch(value):
        raise ValueError("the ticket of a push")
    return value


class NewPush(Body):
    """Comes with the archive of the commit. `ticket` is what the daemon gave the hook of a
    repository of its own; other hooks have none.
    """

    branch: Branch
    revision: Annotated[str, AfterValidator(_revision)]
    ticket: Annotated[str, AfterValidator(_ticket), Field(repr=False)] = ""
