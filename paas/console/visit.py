"""One request for a page, with who asks and in which language."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from paas.api.auth import ACTOR
from paas.api.call import Context
from paas.console.wording import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What page functions work with."""

    request: web.Request
    context: Context
    language: str
    words: Words
    now: float

    @property
    def visitor(self) -> str:
        return str(self.request[ACTOR])

    def path(self, name: str) -> str:
        """A variable of the path."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page function found: the values that its templates need.

    `title` is the text of the tab, `service` the name of the one that the page is about.
    """

    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    service: str | None = None


PageFunction = Callable[[Visit], Awaitable[Page]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoute:
    """A page: `templates/<name>.html`. With `live` its part `<name>_live.html` follows what
    happens: the same URL, asked for as an event stream, sends it anew when it changes.
    """

    path: str
    name: str
    function: PageFunction
    live: bool = False
