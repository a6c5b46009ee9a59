"""Coming in, and who may come in: the sign-in page; tokens, users and sessions."""

from paas.console.visit import Page, Visit, local_path
from paas.core.access import Scope
from paas.errors import Denied


async def sign_in(visit: Visit) -> Page:
    """For everybody; whoever is signed in already may go on."""
    return Page(
        title=visit.words["session.title"],
        values={
            "tab": "session",
            "next": local_path(visit.request.query.get("next", "/")),
            "known": visit.principal.scope is not None,
        },
    )


async def access(visit: Visit) -> Page:
    """For administrators of the whole host. Raises `Denied` for others."""
    if not visit.may(Scope.ADMIN) or visit.principal.view.service is not None:
        raise Denied("This page is for administrators of the whole host.", code="forbidden")
    found = visit.context.access
    return Page(
        title=visit.words["access.title"],
        values={
            "tab": "access",
            "tokens": found.tokens.list(),
            "users": found.users.list(),
            "sessions": found.open_sessions(),
            "scopes": [scope.value for scope in Scope],
        },
    )
