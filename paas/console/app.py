"""The console put together: pages, their live parts, and static files.

A page and its live part come from the same function, so they cannot disagree.
"""

import asyncio
import contextlib
import functools
import hashlib
from collections.abc import AsyncGenerator, Mapping
from importlib.resources import files
from urllib.parse import quote

from aiohttp import web

from paas import __version__
from paas.api.auth import PRINCIPAL
from paas.api.call import Context
from paas.api.problems import Handler, classify
from paas.api.streams import ServerEvent, send
from paas.console import formats, samples, wording
from paas.console.live import LiveParts
from paas.console.rendering import Templates
from paas.console.table import PAGES
from paas.console.visit import Page, PageRoute, Visit, local_path
from paas.control.catalog import no_such_service
from paas.errors import PaasError

YEAR = 31_536_000
LANGUAGE_COOKIE = "paas-language"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STATIC = files("paas.console") / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Console:
    """Pages for the API's application. Who is not signed in is sent to the sign-in page."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._words = {language: wording.load(language) for language in wording.LANGUAGES}
        self._templates = Templates()
        self._parts = LiveParts()

    def pages(self) -> Mapping[str, Handler]:
        """By path."""
        found = {route.path: self._page(route) for route in PAGES}
        found["/static/{name:[a-z0-9/_.-]+}"] = self._file
        found["/language/{language}"] = self._choose
        found["/templates/{language:[a-z]+}.tar"] = self._sample
        return found

    def _page(self, route: PageRoute) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            follows = route.live and "text/event-stream" in request.headers.get("Accept", "")
            if request[PRINCIPAL].scope is None and not route.public:
                if follows:
                    return await send(request, _signed_out())
                back = quote(request.path_qs, safe="")
                return _elsewhere(f"/sign-in?next={back}")
            await self._templates.ready()
            visit = self._visit(request)
            service = request.match_info.get("service")
            if service is not None and not visit.principal.view.sees(service):
                return self._trouble(visit, no_such_service(service))
            if follows:
                return await send(request, self._live(request, route))
            try:
                page = await route.function(visit)
            except PaasError as error:
                return self._trouble(visit, error)
            return _html(self._render(f"{route.name}.html", visit, page))

        return show

    def _trouble(self, visit: Visit, error: PaasError) -> web.Response:
        """A page that says what is wrong and what to do."""
        status, _ = classify(error)
        page = Page(title=str(status), values={"error": error, "status": status})
        return _html(self._render("error.html", visit, page), status=status)

    async def _live(
        self, request: web.Request, route: PageRoute
    ) -> AsyncGenerator[ServerEvent | None]:
        """The live part whenever it changed. It depends on nothing but its key."""
        visit = self._visit(request)
        who = visit.principal
        key = (route.name, request.path_qs, visit.language, who.scope, who.view)
        part = functools.partial(self._part, route, request)
        shown = ""
        async with contextlib.aclosing(self._parts.follow(key, part)) as following:
            async for html in following:
                if html == shown:
                    yield None
                else:
                    shown = html
                    yield ServerEvent(data=html.replace("\n", "&#10;"))

    async def _part(self, route: PageRoute, request: web.Request) -> str:
        """What the live part shows now; when that is gone, why."""
        visit = self._visit(request)
        try:
            page = await route.function(visit)
        except PaasError as error:
            page = Page(title="", values={"error": error})
            return self._render("gone_live.html", visit, page)
        return self._render(f"{route.name}_live.html", visit, page)

    def _visit(self, request: web.Request) -> Visit:
        accepted = request.headers.get("Accept-Language", "")
        language = wording.choose(request.cookies.get(LANGUAGE_COOKIE, ""), accepted)
        return Visit(
            request=request,
            context=self._context,
            language=language,
            words=self._words[language],
            now=self._context.clock.time(),
        )

    def _render(self, template: str, visit: Visit, page: Page) -> str:
        words = visit.words
        return self._templates.render(
            template,
            page=page,
            visit=visit,
            language=visit.language,
            languages=wording.NAMES,
            version=__version__,
            asset=self._asset,
            csrf=visit.csrf,
            may=visit.may,
            t=lambda key, **fields: words[key].format(**fields),
            ago=functools.partial(formats.ago, now=visit.now, words=words),
            span=functools.partial(formats.span, words=words),
            **page.values,
        )

    def _asset(self, name: str) -> str:
        """The URL of a static file, which changes with its content."""
        return f"/static/{name}?v={_digest(name)}"

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        file = _STATIC / name
        kind = _TYPES.get(name[name.rfind(".") :])
        if ".." in name or kind is None or not file.is_file():
            raise web.HTTPNotFound
        digest = _digest(name)
        known = request.query.get("v") == digest
        cache = f"public, max-age={YEAR}, immutable" if known else "no-cache"
        headers = {"Cache-Control": cache, "ETag": f'"{digest}"'}
        if any(digest in (one.value, "*") for one in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.read_bytes(), content_type=kind, headers=headers)

    async def _sample(self, request: web.Request) -> web.Response:
        """The application of a language, for the deploy form's script to send on."""
        language = request.match_info["language"]
        if request[PRINCIPAL].scope is None or language not in samples.languages():
            raise web.HTTPNotFound
        body = await asyncio.to_thread(samples.packed, language)
        return web.Response(body=body, content_type="application/x-tar")

    async def _choose(self, request: web.Request) -> web.Response:
        """Remember a language and go back to where its link stood."""
        language = request.match_info["language"]
        response = _elsewhere(local_path(request.query.get("back", "/")))
        if language in wording.LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, language, max_age=YEAR, samesite="Lax", httponly=True, path="/"
            )
        return response


async def _signed_out() -> AsyncGenerator[ServerEvent | None]:
    """To a page that was opened before the session ended: it loads again and is sent on."""
    yield ServerEvent(name="error", data='{"code": "session_ended"}')


def _elsewhere(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _html(text: str, *, status: int = 200) -> web.Response:
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


@functools.cache
def _digest(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
