"""A service's deployments, one deployment with its steps and log, and the form for a new one."""

from paas.console import samples
from paas.console.visit import Page, Visit
from paas.core.access import Scope
from paas.core.lifecycle import ENDED
from paas.core.sizes import format_size, parse_size
from paas.errors import Denied

SHOWN = 50


async def list_deployments(visit: Visit) -> Page:
    """The newest deployments of a service."""
    name = visit.path("service")
    found = await visit.context.deployments.list(name, limit=SHOWN)
    return Page(
        title=f"{visit.words['service.tab.deployments']} · {name}",
        service=name,
        values={"deployments": found, "tab": "deployments"},
    )


async def deployment(visit: Visit) -> Page:
    """One deployment: where it stands, and why it failed."""
    found = await visit.context.deployments.read(
        visit.path("deployment"), view=visit.principal.view
    )
    services = visit.context.services
    urls: tuple[str, ...] = ()
    if found.status == "succeeded":
        view = await services.version(found.service, found.version)
        urls = (await services.read(found.service)).urls if view.weight else view.urls
    return Page(
        title=f"{found.version} · {visit.words['noun.deployment']}",
        service=found.service,
        values={
            "deployment": found,
            "ended": found.status in ENDED,
            "urls": urls,
            "tab": "deployments",
        },
    )


async def deploy(visit: Visit) -> Page:
    """The form, for a new service or a further version of one."""
    name = visit.request.match_info.get("service", "")
    if name:
        await visit.context.services.read(name)
    allowed = visit.may(Scope.DEPLOY) if name else visit.may_create
    if not allowed:
        raise Denied("Deploying needs the scope deploy.", code="forbidden")
    defaults = visit.context.settings.defaults
    return Page(
        title=visit.words["nav.deploy"],
        service=name or None,
        values={
            "tab": "deploy",
            "name": name,
            "defaults": defaults,
            "memory": format_size(parse_size(defaults.memory)),
            "languages_of_samples": samples.languages(),
            "upload_limit": visit.context.settings.limits.upload_bytes,
        },
    )
