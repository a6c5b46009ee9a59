"""Every page of the console, once."""

from paas.console import services
from paas.console.visit import PageRoute

PAGES: tuple[PageRoute, ...] = (
    PageRoute(path="/", name="services", function=services.list_services, live=True),
    PageRoute(path="/services/{service}", name="overview", function=services.overview, live=True),
)
