"""What every `Deliveries` does: the fake in memory and the real one on a file."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from paas.adapters.store import SqliteStore
from paas.core.deliveries import KEPT, KEPT_REFUSED, Delivery, Outcome
from paas.core.model import Change
from paas.ports import Deliveries
from tests import builders
from tests.fakes.deliveries import FakeDeliveries

SHOP = builders.service()
BLOG = builders.service(name="blog")
FIRST = Delivery(
    id="hook_1",
    service_id=SHOP.id,
    service="shop",
    time=builders.NOW,
    host="github",
    event="push",
    delivery="d-1",
    outcome=Outcome.DEPLOYED,
    fingerprint="f-1",
    deployment="dep_1",
    ref="refs/heads/main",
    commit="7fd1a60b01f91b314f59955a4e4d4e80d8edf11d",
    subject="Show prices",
    pusher="ann",
    client="203.0.113.7",
)


@pytest.fixture(params=["fake", "sqlite"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Deliveries]:
    if request.param == "fake":
        yield FakeDeliveries({SHOP.id, BLOG.id})
        return
    store = await SqliteStore.open(tmp_path / "paas.db")
    await store.commit(Change(after=SHOP))
    await store.commit(Change(after=BLOG))
    yield store.deliveries
    await store.close()


def nth(number: int, outcome: Outcome = Outcome.DEPLOYED) -> Delivery:
    known = {"id": f"hook_{number}", "delivery": f"d-{number}", "fingerprint": f"f-{number}"}
    return replace(FIRST, outcome=outcome, **known)  # type: ignore[arg-type] # its own fields


async def test_they_come_back_whole_newest_first_and_by_service(kept: Deliveries) -> None:
    second = replace(nth(2), outcome=Outcome.IGNORED, reason="branch", deployment=None)
    other = replace(nth(3), service_id=BLOG.id, service="blog")
    for one in (FIRST, second, other):
        await kept.add(one)
    assert await kept.list(SHOP.id) == [second, FIRST]
    assert await kept.list(SHOP.id, limit=1) == [second]
    assert await kept.find(SHOP.id, "hook_2") == second
    assert await kept.find(BLOG.id, "hook_2") is None


async def test_one_that_deployed_is_found_by_id_or_fingerprint(kept: Deliveries) -> None:
    await kept.add(FIRST)
    await kept.add(replace(nth(2, Outcome.IGNORED)))
    for delivery, fingerprint in (("d-1", "new"), ("new", "f-1"), ("", "f-1")):
        found = await kept.deployed(SHOP.id, delivery=delivery, fingerprint=fingerprint)
        assert found == FIRST
    assert await kept.deployed(SHOP.id, delivery="d-2", fingerprint="f-2") is None
    assert await kept.deployed(BLOG.id, delivery="d-1", fingerprint="f-1") is None


async def test_no_id_is_nobody_s(kept: Deliveries) -> None:
    await kept.add(replace(FIRST, delivery=""))
    assert await kept.deployed(SHOP.id, delivery="", fingerprint="new") is None


async def test_refused_ones_push_out_their_own_kind_only(kept: Deliveries) -> None:
    await kept.add(FIRST)
    for number in range(2, KEPT_REFUSED + 10):
        await kept.add(nth(number, Outcome.REFUSED))
    left = await kept.list(SHOP.id, limit=1000)
    assert len(left) == KEPT_REFUSED + 1
    assert left[-1] == FIRST


async def test_the_newest_are_kept(kept: Deliveries) -> None:
    outcomes = (Outcome.IGNORED, Outcome.PONG, Outcome.FAILED)
    for number in range(1, KEPT + 6):
        await kept.add(nth(number))
        await kept.add(nth(1000 + number, outcomes[number % 3]))
    left = await kept.list(SHOP.id, limit=1000)
    assert len(left) == 2 * KEPT
    assert left[-2:] == [nth(1006, outcomes[0]), nth(6)]


async def test_of_a_service_that_is_gone_nothing_is_kept(kept: Deliveries) -> None:
    await kept.add(replace(FIRST, service_id="gone"))
    assert await kept.list("gone") == []
