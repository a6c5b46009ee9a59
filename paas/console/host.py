"""The host as a whole: how it is, what happened on it, and who may fetch images for it."""

from paas.console.visit import Page, Visit
from paas.core.event_kinds import NOUNS, kinds_of
from paas.errors import Denied

EVENTS = 100


async def host(visit: Visit) -> Page:
    """Health, disks, registries and what takes room. Raises `Denied` for all but
    administrators of the whole host.
    """
    for_administrators(visit)
    health = await visit.context.status.health()
    return Page(
        title=visit.words["host.title"],
        values={
            "tab": "host",
            "health": health,
            "registries": visit.context.registries.list(),
            "notified": visit.context.notified,
            "marks": visit.context.settings.disk,
            "services": len(await visit.context.services.list(view=visit.principal.view)),
        },
    )


async def all_events(visit: Visit) -> Page:
    """What happened, newest first, from `before` on downwards; `about` narrows it to a noun."""
    query = visit.request.query
    about = query.get("about", "")
    kinds = kinds_of(about)
    found = await visit.context.history.events(
        view=visit.principal.view, kinds=kinds, before=number(query.get("before", "")), limit=EVENTS
    )
    return Page(
        title=visit.words["events.all"],
        values={
            "tab": "events",
            "events": found,
            "older": found[-1].id if len(found) == EVENTS else 0,
            "about": about if kinds else "",
            "nouns": NOUNS,
            "everywhere": True,
        },
    )


def number(text: str) -> int:
    """The event's id in a query; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def for_administrators(visit: Visit) -> None:
    """Raises `Denied` for all but administrators of the whole host."""
    if not visit.rules_host:
        raise Denied("This page is for administrators of the whole host.", code="forbidden")
