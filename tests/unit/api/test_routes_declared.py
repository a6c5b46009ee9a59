"""Every route says who may call it; one that forgot is closed."""

import pytest

from paas.api.auth import CLOSED
from paas.api.call import Route
from paas.api.table import ROUTES
from paas.core.access import Scope


@pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])
def test_a_route_declares_what_it_needs(route: Route) -> None:
    assert route.public != (route.needs is not None), "declare needs=Scope.… or public=True"


@pytest.mark.parametrize("route", ROUTES, ids=[route.operation for route in ROUTES])
def test_only_reading_is_for_readers(route: Route) -> None:
    reads = route.method == "GET" or route.operation == "signOut"
    assert reads or route.needs is not Scope.READ


def test_one_that_forgot_is_for_administrators_of_the_host() -> None:
    async def handler(call):
        raise NotImplementedError

    forgot = Route(method="GET", path="/x", operation="x", summary="", handler=handler)
    assert forgot.rule == CLOSED
    assert (CLOSED.needs, CLOSED.public, CLOSED.filtered) == (Scope.ADMIN, False, False)
