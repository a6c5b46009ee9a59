"""One request for a page, with who asks and in which language."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from paas.api.auth import PRINCIPAL
from paas.api.call import Context
from paas.api.cookies import csrf_token, read_cookie
from paas.console.wording import Words
from paas.core.access import Principal, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What page functions work with."""

    request: web.Request
    context: Context
    language: str
    words: Words
    now: float

    @property
    def principal(self) -> Principal:
        return self.request[PRINCIPAL]

    @property
    def csrf(self) -> str:
        """What the page's scripts send with changes; empty for callers without a session."""
        secret = read_cookie(self.request)
        return csrf_token(secret) if secret and self.principal.session else ""

    def may(self, scope: str) -> bool:
        """Whether the visitor may do what needs that scope."""
        held = self.principal.scope
        return held is not None and held.covers(Scope(scope))

    @property
    def may_create(self) -> bool:
        """Whether the visitor may make services of any name."""
        return self.may(Scope.DEPLOY) and self.principal.view.service is None

    @property
    def rules_host(self) -> bool:
        """Whether the visitor administers the whole host."""
        return self.may(Scope.ADMIN) and self.principal.view.service is None

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
    `public` pages are for visitors who are not signed in, too.
    """

    path: str
    name: str
    function: PageFunction
    live: bool = False
    public: bool = False


def local_path(wanted: str) -> str:
    """The path, if it stays on this site; else the first page."""
    stays = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if stays and wanted.isprintable() else "/"
