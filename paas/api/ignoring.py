"""The texts of a service's ignore rules. Rules are as in `schema`: "must be …"."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

PREFIX_RULE = "a path as it stands in requests: ASCII, starting with /, without ? # or spaces"
AGENT_RULE = "a part of a user agent: ASCII text that is not blank"
STATUS_RULE = "a status from 200 to 299 or from 400 to 599"

_PREFIX = re.compile(r"""/[!"$->@-~]*""", re.ASCII)
_AGENT = re.compile(r"(?=.*[!-~])[ -~]+", re.ASCII)


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError(PREFIX_RULE)
    return value


def _agent(value: str) -> str:
    if not _AGENT.fullmatch(value):
        raise ValueError(AGENT_RULE)
    return value


def _status(value: int) -> int:
    if not (200 <= value <= 299 or 400 <= value <= 599):
        raise ValueError(STATUS_RULE)
    return value


PathPrefix = Annotated[str, AfterValidator(_prefix), Field(max_length=1000)]
AgentPart = Annotated[str, AfterValidator(_agent), Field(max_length=200)]
StandInStatus = Annotated[int, AfterValidator(_status)]
