"""Promise 1: no request is lost by whatever is done to a healthy service."""

import pytest

from tests.e2e.load import Load
from tests.e2e.waiting import until
from tests.e2e.world import World

SWITCHES = 20


@pytest.mark.timeout(120)
def test_switching_rolling_back_and_deploying_lose_nothing(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    shared.deploy(service, "two", traffic="none")
    with Load(shared.daemon.proxy_port, f"{service}.localhost") as load:
        for number in range(SWITCHES):
            before = load.total
            shared.api.split(service, **{f"v{number % 2 + 1}": 100})
            _let_pass(load, before + 25)
        assert shared.api.post(f"/v1/services/{service}/rollback").status == 200
        _let_pass(load, load.total + 25)
        shared.deploy(service, "three")
        _let_pass(load, load.total + 50)
    assert load.failures == {}
    assert load.total > SWITCHES * 25
    assert set(load.bodies) == {"one", "two", "three"}


@pytest.mark.timeout(60)
def test_deleting_the_old_version_lets_its_requests_finish(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    with Load(shared.daemon.proxy_port, f"{service}.localhost") as load:
        _let_pass(load, 25)
        shared.deploy(service, "two")
        path = f"/v1/services/{service}/versions/{service}-001"
        assert shared.api.delete(path).status == 204
        _let_pass(load, load.total + 50)
    assert load.failures == {}


def _let_pass(load: Load, total: int) -> None:
    until(lambda: load.total >= total, f"{total} requests", seconds=30)
