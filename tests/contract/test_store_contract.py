"""What every `Store` does: the fake in memory and the real one on a file."""

from dataclasses import replace

import pytest

from paas.adapters.store import SqliteStore
from paas.core.access import AccessChange, AccessRecords, Scope, Session, Token, User
from paas.core.idle import Mark, Moment
from paas.core.model import Change, DeploymentStatus, Domain
from paas.errors import Conflict
from tests import builders
from tests.fakes.store import FakeStore

SHOP = builders.service(builders.version(1))
BLOG = builders.service(name="blog")
TOKEN = Token(id="tok_1", name="ci", hash=b"\x00\xff", scope=Scope.DEPLOY, created=2.0, creator="x")
USER = User(name="ann", password="scrypt$", role=Scope.ADMIN, created=1.0, creator="socket")
SESSION = Session(id="ses_1", hash=b"c", holder="user:ann", created=3.0, seen=3.5, address="::1")
DOMAIN = Domain(name="shop.example.com", created=0.0)


@pytest.fixture(params=["fake", "sqlite"])
async def store(request, tmp_path):
    if request.param == "fake":
        yield FakeStore()
        return
    store = await SqliteStore.open(tmp_path / "paas.db")
    yield store
    await store.close()


async def refused(store, change):
    """The code of the refusal; nothing of the change was kept."""
    before = (await store.services(), await store.deployments(), await store.events())
    with pytest.raises(Conflict) as caught:
        await store.commit(change)
    assert (await store.services(), await store.deployments(), await store.events()) == before
    return caught.value.code


async def test_services_come_back_by_name_with_their_versions_by_number(store):
    shuffled = replace(SHOP, versions=(builders.version(2), builders.version(1)))
    await store.commit(Change(after=shuffled))
    await store.commit(Change(after=BLOG))
    ordered = replace(SHOP, versions=(builders.version(1), builders.version(2)))
    assert await store.services() == [BLOG, ordered]


async def test_a_change_replaces_the_service(store):
    await store.commit(Change(after=SHOP))
    after = replace(SHOP, versions=(builders.version(2),), domains=(DOMAIN,), last_number=2)
    await store.commit(Change(before=SHOP, after=after))
    assert await store.services() == [after]


async def test_a_name_belongs_to_one_service(store):
    await store.commit(Change(after=SHOP))
    twin = builders.service(id="twin")
    change = Change(after=twin, events=(builders.event(),))
    assert await refused(store, change) == "service_exists"


async def test_a_domain_belongs_to_one_service_until_it_lets_go(store):
    holder = replace(SHOP, domains=(DOMAIN,))
    await store.commit(Change(after=holder))
    await store.commit(Change(after=BLOG))
    claim = Change(before=BLOG, after=replace(BLOG, domains=(DOMAIN,)))
    assert await refused(store, claim) == "domain_taken"
    await store.commit(Change(before=holder, after=SHOP))
    await store.commit(claim)


async def test_a_deleted_service_takes_its_deployments_along_but_not_its_history(store):
    await store.commit(
        Change(
            after=replace(SHOP, domains=(DOMAIN,)),
            deployments=(builders.deployment(1),),
            events=(builders.event(service="shop"),),
        )
    )
    await store.commit(Change(before=SHOP))
    assert (await store.services(), await store.deployments()) == ([], [])
    assert len(await store.events(service="shop")) == 1
    await store.commit(Change(after=builders.service(id="another", domains=(DOMAIN,))))


@pytest.mark.parametrize(
    "change",
    [
        Change(before=SHOP, after=SHOP),
        Change(deployments=(builders.deployment(1),), events=(builders.event(),)),
    ],
)
async def test_a_service_that_was_deleted_meanwhile_cannot_change(store, change):
    assert await refused(store, change) == "service_gone"


async def test_deployments_come_newest_first_and_unfinished_ones_oldest_first(store):
    one, two, three = (builders.deployment(number) for number in (1, 2, 3))
    other = builders.deployment(4, of="blog")
    await store.commit(Change(after=SHOP, deployments=(two, one, three)))
    await store.commit(Change(after=BLOG, deployments=(other,)))
    ended = replace(two, status=DeploymentStatus.FAILED)
    await store.commit(Change(deployments=(ended,)))
    assert await store.deployment(two.id) == ended
    assert await store.deployment("other") is None
    assert await store.deployments() == [other, three, ended, one]
    assert await store.deployments(service_id=SHOP.id, limit=2) == [three, ended]
    assert await store.deployments(unfinished=True) == [one, three, other]
    assert await store.deployments(service_id=SHOP.id, unfinished=True) == [one, three]


async def test_the_latest_deployment_of_each_service(store):
    assert await store.latest_deployments() == []
    one, two, three = (builders.deployment(number) for number in (1, 2, 3))
    twin = replace(three, id="dep_shop_0")
    other = builders.deployment(1, of="blog")
    await store.commit(Change(after=SHOP, deployments=(two, three, twin, one)))
    await store.commit(Change(after=BLOG, deployments=(other,)))
    found = await store.latest_deployments()
    assert sorted(found, key=lambda one: one.service) == [other, three]


async def test_events_are_numbered_and_come_newest_first(store):
    numbered = await store.commit(
        Change(events=(builders.event("a"), builders.event("b", service="shop")))
    )
    later = await store.commit(Change(events=(builders.event("c", service="shop"),)))
    assert [event.kind for event in (*numbered, *later)] == ["a", "b", "c"]
    first, second, third = (event.id for event in (*numbered, *later))
    assert 0 < first < second < third
    assert [event.kind for event in await store.events()] == ["c", "b", "a"]
    assert [event.kind for event in await store.events(service="shop")] == ["c", "b"]
    assert [event.kind for event in await store.events(kinds={"a", "c"})] == ["c", "a"]
    assert [event.kind for event in await store.events(after=first)] == ["c", "b"]
    assert [event.kind for event in await store.events(before=third, limit=1)] == ["b"]


async def test_a_value_is_kept_from_its_first_reading_on(store):
    assert await store.meta("installation", "one") == "one"
    assert await store.meta("installation", "two") == "one"


async def test_activity_is_kept_as_long_as_its_version(store):
    shop = builders.service(builders.version(1), builders.version(2))
    one, two = (version.id for version in shop.versions)
    await store.commit(Change(after=shop))
    begun = Mark(at=Moment(boot="b1", monotonic=5.0, wall=1e9), busy=True)
    over = Mark(at=Moment(boot="b1", monotonic=6.5, wall=1e9 + 1.5))
    await store.commit(Change(activity={one: begun, two: begun, "gone": over}))
    await store.commit(Change(activity={one: over}))
    assert await store.activity() == {one: over, two: begun}
    await store.commit(Change(before=shop, after=replace(shop, versions=shop.versions[1:])))
    assert await store.activity() == {two: begun}


async def test_tokens_users_and_sessions_are_put_replaced_and_removed(store):
    assert await store.access() == AccessRecords()
    older = replace(TOKEN, id="tok_2", name="cd", created=1.0, service="shop", expires=9.0)
    both = AccessRecords(tokens=(TOKEN, older), users=(USER,), sessions=(SESSION,))
    await store.commit(Change(access=AccessChange(put=both), events=(builders.event("a"),)))
    assert await store.access() == replace(both, tokens=(older, TOKEN))
    assert [event.kind for event in await store.events()] == ["a"]
    used = replace(TOKEN, last_used=5.0)
    weaker = replace(USER, role=Scope.READ)
    put = AccessRecords(tokens=(used,), users=(weaker,))
    gone = AccessChange(put=put, tokens_gone=("tok_2", "none"), sessions_gone=("ses_1",))
    await store.commit(Change(access=gone))
    assert await store.access() == put
    await store.commit(Change(access=AccessChange(users_gone=("ann",))))
    assert await store.access() == AccessRecords(tokens=(used,))


async def test_a_token_s_name_belongs_to_one_token_until_it_is_gone(store):
    await store.commit(Change(access=AccessChange(put=AccessRecords(tokens=(TOKEN,)))))
    twin = replace(TOKEN, id="tok_2")
    put = AccessChange(put=AccessRecords(tokens=(twin,)))
    assert await refused(store, Change(access=put, events=(builders.event(),))) == "token_exists"
    assert await store.access() == AccessRecords(tokens=(TOKEN,))
    await store.commit(Change(access=replace(put, tokens_gone=(TOKEN.id,))))
    assert await store.access() == AccessRecords(tokens=(twin,))
