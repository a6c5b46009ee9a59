"""What every `Store` keeps of registries, holdings and old deployments."""

from dataclasses import replace

import pytest

from paas.adapters.store import SqliteStore
from paas.core.holdings import Held, Holding
from paas.core.model import Change, DeploymentStatus
from paas.core.registries import Registry
from tests import builders
from tests.fakes.store import FakeStore

HUB = Registry(host="docker.io", user="ann", created=1.0, login=b"\x01sealed")
OWN = Registry(host="registry.example:5000", user="ann", created=2.0, login=b"\x02sealed")


@pytest.fixture(params=["fake", "sqlite"])
async def store(request, tmp_path):
    if request.param == "fake":
        yield FakeStore()
        return
    store = await SqliteStore.open(tmp_path / "paas.db")
    yield store
    await store.close()


async def test_logins_are_kept_replaced_and_removed(store):
    assert await store.registries() == []
    await store.commit(Change(registries={OWN.host: OWN, HUB.host: HUB}))
    assert await store.registries() == [HUB, OWN]
    newer = replace(OWN, user="ben", login=b"\x03")
    await store.commit(Change(registries={OWN.host: newer, HUB.host: None, "gone": None}))
    assert await store.registries() == [newer]


async def test_holdings_are_written_down_once_and_struck_out(store):
    first = Holding(kind=Held.PULLED, id="sha256:1", noted=2.0, name="a:1", service="shop")
    other = replace(first, name="b:1", noted=1.0)
    layer = Holding(kind=Held.LAYER, id="abc", noted=3.0)
    await store.commit(Change(held=(first, other, layer)))
    await store.commit(Change(held=(replace(first, noted=9.0, service="blog"),)))
    assert await store.holdings() == [other, first, layer]
    await store.commit(Change(let_go=(first, layer)))
    assert await store.holdings() == [other]


def ended(number, **fields):
    return builders.deployment(number, status=DeploymentStatus.SUCCEEDED, **fields)


async def test_surplus_is_what_is_old_ended_and_without_its_version(store):
    kept = builders.version(1)
    shop = builders.service(kept)
    await store.commit(
        Change(
            after=shop,
            deployments=(
                ended(1, version_id=kept.id),
                ended(2, version_id="gone2"),
                builders.deployment(3, version_id="gone3"),
                ended(4, version_id="gone4"),
                ended(5, version_id="gone5"),
            ),
        )
    )
    await store.commit(
        Change(
            after=builders.service(name="blog"),
            deployments=(ended(1, of="blog", version_id="gone"),),
        )
    )
    assert [one.id for one in await store.surplus(keep=1)] == ["dep_shop_2", "dep_shop_4"]
    assert [one.id for one in await store.surplus(keep=2)] == ["dep_shop_2"]
    assert await store.surplus(keep=5) == []


async def test_records_tell_service_and_size(store):
    await store.commit(Change(after=builders.service(), deployments=(ended(1),)))
    ((ident, (service, size)),) = (await store.records()).items()
    assert (ident, service) == ("dep_shop_1", "shop")
    assert size > 100


async def test_only_what_has_ended_is_forgotten(store):
    running, over = builders.deployment(1), ended(2)
    await store.commit(Change(after=builders.service(), deployments=(running, over)))
    await store.commit(Change(forgotten=(running.id, over.id, "dep_unknown")))
    assert await store.deployments() == [running]
