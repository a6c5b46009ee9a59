"""What callers may ask after the question mark, as models."""

import re
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

MAX_LIMIT = 1000
MAX_ID = 2**63 - 1

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _moment(value: object) -> object:
    """Bare numbers are no times here, whatever they would be seconds of."""
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("a time with its zone, such as 2026-05-01T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]


class Query(BaseModel):
    """Parameters after the question mark; numbers come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class NoQuery(Query):
    """No parameters."""


class Confirmation(Query):
    confirm: str | None = None


class RefsQuery(Query):
    """git's own: which service of git is asked for."""

    service: str = ""


class Page(Query):
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100


class EventPage(Page):
    """Ids are bounds, both excluded; 0 = none. Newest first."""

    after: Annotated[int, Field(ge=0, le=MAX_ID)] = 0
    before: Annotated[int, Field(ge=0, le=MAX_ID)] = 0


class DeploymentLogQuery(Query):
    """The last `limit` lines after the cursor `after`."""

    after: Annotated[int, Field(ge=0, le=MAX_ID)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = MAX_LIMIT


class FigureQuery(Query):
    """Of the last hour unless `since` and `until` say otherwise; `step` in seconds is raised
    to what is kept of that time.
    """

    since: Moment | None = None
    until: Moment | None = None
    step: Annotated[int, Field(ge=1, le=90 * 86400)] | None = None
    version: Annotated[str, Field(max_length=64)] | None = None


class LogQuery(Query):
    """`after` is a line's cursor; `follow` goes on with new lines as an event stream. `q` is
    a part of the wanted lines' text, upper and lower case being the same.
    """

    version: str | None = None
    replica: str | None = None
    stream: Literal["stdout", "stderr", "paas"] | None = None
    q: Annotated[str, Field(max_length=1000)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    after: str | None = None
    follow: bool | None = None
