"""What callers may ask after the question mark, as models."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_LIMIT = 1000
MAX_ID = 2**63 - 1


class Query(BaseModel):
    """Parameters after the question mark; numbers come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """No parameters."""


class Confirmation(Query):
    confirm: str | None = None


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


class LogQuery(Query):
    """`after` is a line's cursor; `follow` goes on with new lines as an event stream."""

    version: str | None = None
    replica: str | None = None
    since: AwareDatetime | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    after: str | None = None
    follow: bool | None = None
