"""A call and the table entry that declares it.

Each route is declared once: the router, the checks of query and body, and the
OpenAPI document all come from its `Route`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from paas.api import quotas
from paas.api.auth import CLOSED, PRINCIPAL, Rule
from paas.api.bodies import later, read_json
from paas.api.fields import checked, wrong_field
from paas.api.problems import Handler
from paas.api.proxied import Proxied
from paas.api.queries import NoQuery, Query
from paas.api.quotas import Quota
from paas.api.raw_bodies import RawBodies
from paas.api.schema import Body, Nothing
from paas.api.service_list import ServiceList
from paas.control.access import Access
from paas.control.backups import Safekeeping
from paas.control.certification import Certification
from paas.control.deployments import Deployments
from paas.control.explain import Explain
from paas.control.hook_keys import HookKeys
from paas.control.hooks import Hooks
from paas.control.janitor import Janitor
from paas.control.notices import Place
from paas.control.pushes import Pushes
from paas.control.recorder import Recorder
from paas.control.registries import Registries
from paas.control.services import History, Services
from paas.control.telemetry import Telemetry
from paas.control.views import Status
from paas.core.access import Principal, Scope, View
from paas.errors import NotFound
from paas.live.requests import RequestLogs
from paas.live.usage import Usage
from paas.ports import Clock, Journal
from paas.settings import Settings

Q = TypeVar("Q", bound=Query)
B = TypeVar("B", bound=Body)
Answer = BaseModel | web.StreamResponse | None

JSON = "application/json"
PLAIN = "text/plain"
EVENTS = "text/event-stream"
LONGEST_SEGMENT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that handlers work with. `hook_url` tells of a service's name whether its webhook
    can be reached from elsewhere, and its URL.
    """

    services: Services
    deployments: Deployments
    pushes: Pushes
    history: History
    explain: Explain
    hooks: Hooks
    hook_keys: HookKeys
    hook_url: Callable[[str], tuple[bool, str]]
    certificates: Certification
    status: Status
    recorder: Recorder
    telemetry: Telemetry
    registries: Registries
    janitor: Janitor
    safekeeping: Safekeeping
    journal: Journal
    requests: RequestLogs
    settings: Settings
    clock: Clock
    access: Access
    notified: Sequence[Place] = ()
    usage: Callable[[], Usage] = Usage
    proxy_errors: Callable[[], Mapping[str, int]] = dict
    proxied: Proxied = field(default_factory=Proxied)
    bodies: RawBodies = field(default_factory=RawBodies)
    service_list: ServiceList = field(default_factory=ServiceList)
    uploads: Quota = field(default_factory=quotas.uploads)
    streams: Quota = field(default_factory=quotas.streams)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Q, B]):
    """One admitted call with its checked query and body."""

    request: web.Request
    context: Context
    principal: Principal
    query: Q
    body: B

    @property
    def actor(self) -> str:
        """Who calls, as events name them."""
        return self.principal.actor

    @property
    def view(self) -> View:
        """What the caller sees. The service of the path is in it; whatever is looked up
        otherwise (lists, deployments by id, events) takes it as an argument.
        """
        return self.principal.view

    def path(self, name: str) -> str:
        """A variable of the path. Raises `NotFound` for what cannot name anything."""
        text = self.request.match_info[name]
        if len(text) > LONGEST_SEGMENT or not text.isprintable():
            raise NotFound(f"There is no such {name}.", code=f"no_such_{name}")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[Q, B]):
    """One call of the API.

    `status` is that of success, `answer` its model (None: no content), `media` what it
    can be sent as. With `upload` the handler reads the body itself: JSON of `body`, or
    multipart with an archive; with `raw` the body is anybody's bytes.

    Every route declares `needs`, the scope of its callers, or `public`, when it needs no
    token. One that declares neither is for administrators, and a test fails. A caller that is
    bound to one service reaches routes with `{service}` in their path, for that service, and
    those that are `filtered`: they pass `call.view` to all that they look up. `basic` takes
    the token as the password of basic authentication too, `form` is a page's form, whose
    field `csrf` can stand for the header.
    """

    method: str
    path: str
    operation: str
    summary: str
    handler: Callable[[Call[Q, B]], Awaitable[Answer]]
    query: type[Q] = NoQuery  # type: ignore[assignment] # the default of an unbound variable
    body: type[B] = Nothing  # type: ignore[assignment] # the default of an unbound variable
    answer: type[BaseModel] | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    media: tuple[str, ...] = (JSON,)
    upload: bool = False
    raw: bool = False
    needs: Scope | None = None
    public: bool = False
    filtered: bool = False
    basic: bool = False
    form: bool = False

    @property
    def rule(self) -> Rule:
        """What the guard asks of its callers."""
        return Rule(
            needs=self.needs or CLOSED.needs,
            public=self.public,
            filtered=self.filtered,
            basic=self.basic,
            form=self.form,
        )

    @property
    def takes_body(self) -> bool:
        return self.body is not Nothing


def add_route(app: web.Application, route: Route[Any, Any], context: Context) -> Handler:
    """Put the route into the router; reading it is allowed by HEAD too. Returns what the
    router calls.
    """
    handler = _endpoint(route, context)
    methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
    for method in methods:
        app.router.add_route(method, route.path, handler, expect_handler=later)
    return handler


def reply(
    answer: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """The model as JSON; only fields that were set."""
    return web.Response(
        status=status,
        body=answer.model_dump_json(exclude_unset=True).encode(),
        content_type=JSON,
        headers=headers,
    )


def preferred(request: web.Request, offers: tuple[str, ...]) -> str:
    """The offered media type that the client likes best; the first one if it does not say."""
    ranks: dict[str, float] = {}
    for item in request.headers.get("Accept", "").split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        ranks[media] = next((_quality(one) for one in parameters if one.startswith("q=")), 1.0)
    best = max(offers, key=lambda offer: ranks.get(offer, 0.0))
    return best if ranks.get(best, 0.0) > 0 else offers[0]


def _quality(parameter: str) -> float:
    try:
        return float(parameter[2:])
    except ValueError:
        return 0.0


def _endpoint(route: Route[Any, Any], context: Context) -> Handler:
    reads_body = route.takes_body and not route.upload

    async def handle(request: web.Request) -> web.StreamResponse:
        call = Call(
            request=request,
            context=context,
            principal=request[PRINCIPAL],
            query=checked(route.query, _parameters(request)),
            body=checked(route.body, await read_json(request)) if reads_body else Nothing(),
        )
        answer = await route.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=204)
        return reply(answer, status=route.status)

    return handle


def _parameters(request: web.Request) -> dict[str, str]:
    """Raises `Invalid` for a parameter that is there twice."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name in found:
            raise wrong_field(name, "must be given once")
        found[name] = value
    return found
