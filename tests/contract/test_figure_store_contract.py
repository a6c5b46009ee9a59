"""What every `FigureStore` does: the fake in memory and the real one on a file."""

import pytest

from paas.adapters import figure_store
from paas.adapters.store import SqliteStore
from paas.core.figures import Figures, Rollup
from paas.core.model import Change
from paas.core.series import KEPT, MINUTE, QUARTER
from tests import builders
from tests.fakes.figures import FakeFigures

SHOP = builders.service(builders.version(1))
DAY = 86400
START = 20_000 * DAY
ONE = Figures(
    classes=(1, 0, 3, 0, 1, 0),
    errors={"rate_limited": 1},
    latency={4: 2, 93: 1},
    seconds=1.25,
    cold_starts=1,
    cold_seconds=0.5,
    gauges=(1.0, 0.0, 2.0, 0.0, 0.0, 0.25, 1000.0),
)


@pytest.fixture(params=["fake", "sqlite"])
async def store(request, tmp_path):
    if request.param == "fake":
        yield FakeFigures({SHOP.id})
        return
    store = await SqliteStore.open(tmp_path / "paas.db")
    await store.commit(Change(after=SHOP))
    yield store.figures
    await store.close()


def minute(at, *, version="shop-001", service=SHOP.id, figures=ONE, looks=12):
    return Rollup(at=START + at, looks=looks, rows={(service, version): figures})


async def read(store, step, *, since=0, until=DAY):
    return await store.read(SHOP.id, step=step, since=START + since, until=START + until)


async def test_minutes_come_back_as_they_were_and_as_quarters(store):
    await store.add((minute(0), minute(60)))
    await store.add((minute(840), minute(900, version="")))
    minutes = await read(store, MINUTE)
    assert sorted(minutes.figures, key=lambda one: one[1]) == [
        ("shop-001", START, ONE),
        ("shop-001", START + 60, ONE),
        ("shop-001", START + 840, ONE),
        ("", START + 900, ONE),
    ]
    assert minutes.looks == {START + at: 12 for at in (0, 60, 840, 900)}
    quarters = await read(store, QUARTER)
    found = {(version, at): one for version, at, one in quarters.figures}
    assert found == {("shop-001", START): ONE + ONE + ONE, ("", START + 900): ONE}
    assert quarters.looks == {START: 36, START + 900: 12}


async def test_a_minute_may_come_in_parts(store):
    await store.add((minute(0, looks=5),))
    await store.add((minute(0, looks=7),))
    found = await read(store, MINUTE)
    assert found.figures == (("shop-001", START, ONE + ONE),)
    assert found.looks == {START: 12}


async def test_bounds_are_since_included_and_until_excluded(store):
    await store.add(tuple(minute(at) for at in (0, 60, 120)))
    found = await read(store, MINUTE, since=60, until=120)
    assert [at for _, at, _ in found.figures] == [START + 60]
    assert found.looks == {START + 60: 12}


async def test_of_what_is_gone_nothing_is_kept(store):
    await store.add((minute(0, service="gone"), minute(60)))
    found = await store.read("gone", step=MINUTE, since=START, until=START + DAY)
    assert found.figures == ()
    assert len(found.looks) == 2


async def test_what_is_too_old_goes(store):
    await store.add((minute(0),))
    await store.trim(START + KEPT[MINUTE] + 61)
    assert (await read(store, MINUTE)).figures == ()
    assert (await read(store, MINUTE)).looks == {}
    assert len((await read(store, QUARTER)).figures) == 1
    await store.trim(START + KEPT[QUARTER] + 901)
    assert (await read(store, QUARTER)).figures == ()


async def test_a_deleted_service_takes_its_figures_along(tmp_path):
    store = await SqliteStore.open(tmp_path / "paas.db")
    await store.commit(Change(after=SHOP))
    await store.figures.add((minute(0),))
    await store.commit(Change(before=SHOP))
    assert (await read(store.figures, MINUTE)).figures == ()
    await store.close()


async def test_the_oldest_of_too_much_goes(tmp_path):
    store = await SqliteStore.open(tmp_path / "paas.db")
    await store.commit(Change(after=SHOP))
    figures = store.figures
    few = figure_store.SqliteFigures(figures._database, most_rows=3)
    await few.add(tuple(minute(at) for at in range(0, 600, 60)))
    await few.trim(START + 600)
    assert [at - START for _, at, _ in (await read(few, MINUTE)).figures] == [420, 480, 540]
    await store.close()
