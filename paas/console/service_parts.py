"""A service's further tabs: logs, settings, domains, events."""

from dataclasses import asdict
from urllib.parse import urlsplit

from paas.console.host import EVENTS, number
from paas.console.visit import Page, Visit
from paas.core.certifying import NO_CERTIFICATE
from paas.core.event_kinds import kinds_of
from paas.core.model import VersionStatus

ABOUT_SERVICES = ("service", "deployment", "version", "replica", "traffic", "domain", "hook")
SCALING_RULES = ("rps", "concurrency", "cpu", "memory")


async def logs(visit: Visit) -> Page:
    """The form over the log; the lines themselves come from the API."""
    name = visit.path("service")
    versions = await visit.context.services.versions(name)
    return Page(
        title=f"{visit.words['service.tab.logs']} · {name}",
        service=name,
        values={
            "tab": "logs",
            "versions": [one.version.name for one in reversed(versions)],
            "replicas": [replica for one in versions for replica in one.replicas],
        },
    )


async def domains(visit: Visit) -> Page:
    """Custom domains with their addresses."""
    name = visit.path("service")
    view = await visit.context.services.read(name)
    own = len(view.urls) - len(view.service.domains)
    found = [
        {
            "name": domain.name,
            "created": domain.created,
            "url": url,
            "certificate": view.certificates.get(domain.name, NO_CERTIFICATE),
        }
        for domain, url in zip(view.service.domains, view.urls[own:], strict=True)
    ]
    return Page(
        title=f"{visit.words['service.tab.domains']} · {name}",
        service=name,
        values={"tab": "domains", "domains": found},
    )


async def events(visit: Visit) -> Page:
    """What happened, newest first, from `before` on downwards; `about` narrows it to a noun."""
    name = visit.path("service")
    query = visit.request.query
    about = query.get("about", "")
    kinds = kinds_of(about)
    found = await visit.context.history.of_service(
        name, kinds=kinds, before=number(query.get("before", "")), limit=EVENTS
    )
    return Page(
        title=f"{visit.words['service.tab.events']} · {name}",
        service=name,
        values={
            "tab": "events",
            "events": found,
            "older": found[-1].id if len(found) == EVENTS else 0,
            "about": about if kinds else "",
            "nouns": ABOUT_SERVICES,
            "everywhere": False,
        },
    )


async def settings(visit: Visit) -> Page:
    """Environment, scaling and the service's own settings; saving them is the API's."""
    name = visit.path("service")
    view = await visit.context.services.read(name)
    versions = await visit.context.services.versions(name)
    ready = [one for one in versions if one.version.status is VersionStatus.READY]
    return Page(
        title=f"{visit.words['service.tab.settings']} · {name}",
        service=name,
        values={
            "tab": "settings",
            "settings": view.service.settings,
            "versions": list(reversed(ready)),
            "newest": max(ready, key=lambda one: one.version.number, default=None),
            "idle": visit.context.settings.idle,
            "rules": SCALING_RULES,
            "ignored": [asdict(rule) for rule in view.service.settings.ignore],
            "hosts": [urlsplit(url).hostname for url in view.urls],
        },
    )
