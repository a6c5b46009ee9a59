"""What callers may ask after the question mark, as models."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_LIMIT = 1000
MAX_ID = 2**63 - 1


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

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
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
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    after: str | None = None
    follow: bool | None = None
