"""Every page of the console, once."""

from paas.console import deployments, host, repository, service_parts, services, session
from paas.console.visit import PageRoute

SERVICE = "/services/{service}"

PAGES: tuple[PageRoute, ...] = (
    PageRoute(path="/", name="services", function=services.list_services, live=True),
    PageRoute(path="/sign-in", name="sign_in", function=session.sign_in, public=True),
    PageRoute(path="/access", name="access", function=session.access),
    PageRoute(path="/host", name="host", function=host.host),
    PageRoute(path="/events", name="all_events", function=host.all_events, live=True),
    PageRoute(path="/deploy", name="deploy", function=deployments.deploy),
    PageRoute(path=SERVICE, name="overview", function=services.overview, live=True),
    PageRoute(path=f"{SERVICE}/deploy", name="deploy", function=deployments.deploy),
    PageRoute(
        path=f"{SERVICE}/deployments",
        name="deployments",
        function=deployments.list_deployments,
        live=True,
    ),
    PageRoute(path=f"{SERVICE}/logs", name="logs", function=service_parts.logs),
    PageRoute(path=f"{SERVICE}/settings", name="settings", function=service_parts.settings),
    PageRoute(
        path=f"{SERVICE}/repository",
        name="repository",
        function=repository.repository,
        live=True,
    ),
    PageRoute(path=f"{SERVICE}/domains", name="domains", function=service_parts.domains, live=True),
    PageRoute(path=f"{SERVICE}/events", name="events", function=service_parts.events, live=True),
    PageRoute(
        path="/deployments/{deployment}",
        name="deployment",
        function=deployments.deployment,
        live=True,
    ),
)
