"""Coming in, and who may come in: the sign-in page; tokens, users and sessions."""

from paas.console.host import for_administrators
from paas.console.visit import Page, Visit, local_path
from paas.core.access import Scope


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
    for_administrators(visit)
    found = visit.context.access
    return Page(
        title=visit.words["access.title"],
        values={
            "tab": "access",
            "tokens": found.tokens.list(),
            "users": found.users.list(),
            "sessions": found.open_sessions(),
            "services": [
                view.service.name
                for view in await visit.context.services.list(view=visit.principal.view)
            ],
            "scopes": [scope.value for scope in Scope],
        },
    )
