import asyncio
from dataclasses import replace

import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.core import changes
from paas.core.model import Change, DeploymentStatus, Domain, ServiceSettings
from paas.errors import Conflict, NotFound, Unavailable
from tests import builders
from tests.fakes.store import FakeStore
from tests.waiting import until

AUTO_PRUNE = ServiceSettings(auto_prune=True)


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
async def catalog(store):
    tasks = Tasks()
    yield Catalog(store, tasks)
    await tasks.close()


def change(**fields):
    """A decision that changes these fields of the service."""
    return lambda service: Change(before=service, after=replace(service, **fields))


async def test_a_created_service_is_found_by_name_and_its_versions_by_id(catalog, store):
    shop = await catalog.create(builders.service(builders.version(1)), builders.event())
    assert catalog.get("shop") is catalog.find("shop") is shop
    assert catalog.version("shop-id-1") == (shop, shop.versions[0])
    assert await store.services() == [shop]
    assert [event.kind for event in await store.events()] == ["service.changed"]


async def test_services_are_listed_by_name(catalog):
    for name in ("shop", "blog", "mail"):
        await catalog.create(builders.service(name=name))
    assert [service.name for service in catalog.services()] == ["blog", "mail", "shop"]


async def test_what_is_not_there_is_said_so(catalog):
    assert catalog.find("shop") is None
    assert catalog.version("shop-id-1") is None
    with pytest.raises(NotFound) as refused:
        catalog.get("shop")
    assert refused.value.code == "no_such_service"


async def test_a_name_is_taken_once(catalog):
    await catalog.create(builders.service())
    with pytest.raises(Conflict) as refused:
        await catalog.create(builders.service(id="another"))
    assert refused.value.code == "service_exists"
    assert catalog.get("shop").id == "shop-id"


async def test_of_two_who_create_at_once_one_is_refused(catalog):
    both = (catalog.create(builders.service(id=str(number))) for number in range(2))
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert [isinstance(answer, Conflict) for answer in answers] == [False, True]


async def test_no_change_is_lost_when_many_change_at_once(catalog):
    await catalog.create(builders.service())
    await asyncio.gather(
        *(
            catalog.change(
                "shop",
                lambda shop: Change(
                    before=shop, after=replace(shop, last_number=shop.last_number + 1)
                ),
            )
            for _caller in range(20)
        )
    )
    assert catalog.get("shop").last_number == 20


async def test_a_decision_may_refuse(catalog, store):
    await catalog.create(builders.service())
    with pytest.raises(NotFound):
        await catalog.change(
            "shop", lambda shop: Change(before=shop, after=changes.remove_domain(shop, "a.example"))
        )
    assert len(store.commits) == 1


async def test_a_service_that_is_not_there_cannot_change(catalog):
    with pytest.raises(NotFound):
        await catalog.change("shop", change(last_number=1))


async def test_memory_changes_only_when_it_is_durable(catalog, store):
    await catalog.create(builders.service())
    store.pass_.clear()
    changing = asyncio.ensure_future(catalog.change("shop", change(last_number=1)))
    await until(lambda: store.held)
    assert catalog.get("shop").last_number == 0
    store.pass_.set()
    await changing
    assert catalog.get("shop").last_number == 1


async def test_who_waits_for_publication_sees_what_was_durable_before(catalog, store):
    await catalog.create(builders.service())
    store.pass_.clear()
    changing = asyncio.ensure_future(catalog.change("shop", change(last_number=1)))
    await until(lambda: store.held)
    waiting = asyncio.ensure_future(catalog.published())
    store.pass_.set()
    await waiting
    assert catalog.get("shop").last_number == 1
    await changing


async def test_what_the_store_refuses_did_not_happen(catalog, store):
    heard = []
    await catalog.create(builders.service())
    catalog.observe(lambda *sides: heard.append(sides))
    store.broken = Unavailable("The disk is full.", code="disk_full")
    with pytest.raises(Unavailable):
        await catalog.change("shop", change(last_number=1))
    assert (catalog.get("shop").last_number, heard) == (0, [])
    store.broken = None
    await catalog.change("shop", change(last_number=2))
    assert catalog.get("shop").last_number == 2


async def test_a_caller_that_is_cancelled_does_not_tear_commit_and_publication_apart(
    catalog, store
):
    await catalog.create(builders.service())
    store.pass_.clear()
    changing = asyncio.ensure_future(catalog.change("shop", change(last_number=1)))
    await until(lambda: store.held)
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    store.pass_.set()
    await until(lambda: catalog.get("shop").last_number == 1)
    assert (await store.services())[0].last_number == 1


async def test_a_domain_of_another_service_is_refused_by_the_store(catalog):
    domain = Domain(name="shop.example.com", created=0.0)
    await catalog.create(builders.service(domains=(domain,)))
    await catalog.create(builders.service(name="blog"))
    with pytest.raises(Conflict) as refused:
        await catalog.change("blog", change(domains=(domain,)))
    assert refused.value.code == "domain_taken"
    assert catalog.get("blog").domains == ()


async def test_observers_hear_of_every_change_in_order_with_both_sides(catalog):
    heard = []
    catalog.observe(lambda before, after: heard.append((before, after)))
    created = await catalog.create(builders.service())
    changed = (await catalog.change("shop", change(settings=AUTO_PRUNE))).after
    await catalog.change("shop", lambda shop: Change(before=shop))
    assert heard == [(None, created), (created, changed), (changed, None)]


async def test_a_change_that_changes_nothing_is_not_told(catalog):
    await catalog.create(builders.service())
    heard = []
    catalog.observe(lambda *sides: heard.append(sides))
    await catalog.change("shop", lambda shop: Change(before=shop, after=shop))
    await catalog.record(builders.event())
    assert heard == []


async def test_a_deleted_version_is_found_no_more(catalog):
    await catalog.create(builders.service(builders.version(1), builders.version(2)))
    await catalog.change("shop", change(versions=(builders.version(2),)))
    assert catalog.version("shop-id-1") is None
    assert catalog.version("shop-id-2")[1] == builders.version(2)


async def test_a_deleted_service_leaves_nothing_and_its_name_is_free(catalog, store):
    await catalog.create(builders.service(builders.version(1)))
    await catalog.record(deployment=builders.deployment())
    shop = catalog.get("shop")
    await catalog.change("shop", lambda service: Change(before=service))
    assert catalog.services() == []
    assert catalog.version("shop-id-1") is None
    assert catalog.latest_deployment(shop) is None
    assert await store.deployments() == []
    await catalog.create(builders.service(id="another"))
    assert catalog.get("shop").id == "another"


async def test_the_latest_deployment_of_each_service(catalog):
    shop = await catalog.create(builders.service())
    assert catalog.latest_deployment(shop) is None
    await catalog.record(deployment=builders.deployment(1))
    await catalog.record(deployment=builders.deployment(2))
    assert catalog.latest_deployment(shop) == builders.deployment(2)


async def test_an_earlier_deployment_that_goes_on_is_not_the_latest(catalog):
    shop = await catalog.create(builders.service())
    for number in (1, 2):
        await catalog.record(deployment=builders.deployment(number))
    await catalog.record(deployment=builders.deployment(1, status=DeploymentStatus.RUNNING))
    assert catalog.latest_deployment(shop) == builders.deployment(2)
    running = builders.deployment(2, status=DeploymentStatus.RUNNING)
    await catalog.record(deployment=running)
    assert catalog.latest_deployment(shop) == running


async def test_a_recorded_deployment_is_durable(catalog, store):
    await catalog.create(builders.service())
    running = builders.deployment(status=DeploymentStatus.RUNNING)
    await catalog.record(builders.event("deployment.started"), deployment=running)
    assert await store.deployment(running.id) == running
    assert [event.kind for event in await store.events()] == ["deployment.started"]


async def test_loading_tells_observers_of_every_service_and_knows_the_deployments(store):
    shop = builders.service(builders.version(1))
    await store.commit(Change(after=shop, deployments=(builders.deployment(1),)))
    await store.commit(Change(deployments=(builders.deployment(2),)))
    await store.commit(Change(after=builders.service(name="blog")))
    heard = []
    catalog = Catalog(store, Tasks())
    catalog.observe(lambda before, after: heard.append((before, after.name)))
    await catalog.load()
    assert heard == [(None, "blog"), (None, "shop")]
    assert catalog.latest_deployment(shop) == builders.deployment(2)
    assert catalog.version("shop-id-1") == (shop, shop.versions[0])
