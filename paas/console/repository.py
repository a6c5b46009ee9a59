"""A service's repository and webhook: what pushes deploy, and what came of each."""

from paas.console.visit import Page, Visit

DELIVERIES = 50


async def repository(visit: Visit) -> Page:
    """The secret is never here: the API tells it once, to who makes it."""
    name = visit.path("service")
    context = visit.context
    view = await context.services.read(name)
    reachable, url = context.hook_url(name)
    return Page(
        title=f"{visit.words['service.tab.repository']} · {name}",
        service=name,
        values={
            "tab": "repository",
            "repository": view.service.settings.repository,
            "branch": view.service.settings.branch,
            "push_url": f"{visit.request.scheme}://any@{visit.request.host}/git/{name}.git",
            "hook": view.service.hook,
            "hook_url": url,
            "reachable": reachable,
            "deliveries": await context.hooks.list(name, limit=DELIVERIES),
        },
    )
