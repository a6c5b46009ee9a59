"""The store over a real SQLite file: differences, uniqueness, cancellation, migrations."""

import asyncio
import dataclasses
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paas.adapters import store as store_module
from paas.adapters import store_schema
from paas.adapters.store import SqliteStore
from paas.core.model import (
    Change,
    Deployment,
    DeploymentStatus,
    Domain,
    Event,
    Service,
    Traffic,
    Version,
    VersionStatus,
)
from paas.core.spec import ImageSource, VersionSpec
from paas.errors import Conflict, Unavailable


@pytest.fixture
async def store(tmp_path):
    opened = await SqliteStore.open(tmp_path / "paas.db")
    yield opened
    await opened.close()


def version(number, service="shop", **fields):
    return Version(
        id=f"{service}-v{number}",
        name=f"{service}-{number:03d}",
        number=number,
        spec=VersionSpec(source=ImageSource(image="a"), env={"A": "b"}, secrets={"S": b"\x00"}),
        status=VersionStatus.READY,
        created=1.25,
        internal_port=20000 + number,
        **fields,
    )


def service(name="shop", **fields):
    return Service(id=f"id-{name}", name=name, created=1.5, internal_port=20000, **fields)


def deployment(number, status=DeploymentStatus.SUCCEEDED, owner="shop"):
    return Deployment(
        id=f"d{number}",
        service_id=f"id-{owner}",
        service=owner,
        version_id="v",
        version="n",
        status=status,
        traffic=Traffic.ALL,
        source="image a",
        actor="me",
        created=float(number),
    )


def event(name="shop", kind="service.created", **fields):
    return Event(kind=kind, time=2.5, message="m", service=name, **fields)


async def test_a_service_is_saved_changed_and_deleted(store):
    first = service(versions=(version(1), version(2)), split={"shop-001": 100})
    await store.commit(Change(after=first))
    assert await store.services() == [first]
    second = dataclasses.replace(
        first,
        versions=(version(2, port=81), version(3)),
        split={},
        domains=(Domain(name="b.example", created=1.0), Domain(name="a.example", created=2.0)),
    )
    await store.commit(Change(before=first, after=second))
    assert await store.services() == [second]
    await store.commit(Change(before=second))
    assert await store.services() == []


async def test_only_versions_that_changed_are_written(store, tmp_path):
    first = service(versions=tuple(version(number) for number in range(1, 6)))
    await store.commit(Change(after=first))
    with sqlite3.connect(tmp_path / "paas.db") as other:
        other.execute("UPDATE versions SET document = json_set(document, '$.port', 1)")
    other.close()
    changed = dataclasses.replace(first, versions=(*first.versions[:4], version(5, port=9)))
    await store.commit(Change(before=first, after=changed))
    assert [item.port for item in (await store.services())[0].versions] == [1, 1, 1, 1, 9]


async def test_names_and_domains_are_unique(store):
    domains = (Domain(name="x.example", created=1.0),)
    await store.commit(Change(after=service(domains=domains)))
    twin = dataclasses.replace(service(), id="other")
    with pytest.raises(Conflict) as caught:
        await store.commit(Change(after=twin, events=(event(),)))
    assert caught.value.code == "service_exists"
    with pytest.raises(Conflict) as caught:
        await store.commit(Change(after=service("blog", domains=domains), events=(event(),)))
    assert caught.value.code == "domain_taken"
    assert "shop" in caught.value.message
    assert [item.name for item in await store.services()] == ["shop"]
    assert await store.events() == []


async def test_a_domain_can_move_once_it_is_given_back(store):
    domains = (Domain(name="x.example", created=1.0),)
    shop, blog = service(domains=domains), service("blog")
    await store.commit(Change(after=shop))
    await store.commit(Change(after=blog))
    await store.commit(Change(before=shop, after=service()))
    await store.commit(Change(before=blog, after=dataclasses.replace(blog, domains=domains)))
    await store.commit(Change(before=service()))
    assert [item.name for item in await store.services()] == ["blog"]


async def test_a_deleted_service_cannot_be_changed(store):
    for change in (
        Change(before=service(), after=service()),
        Change(deployments=(deployment(1),)),
    ):
        with pytest.raises(Conflict) as caught:
            await store.commit(change)
        assert caught.value.code == "service_gone"


async def test_deployments(store):
    running = deployment(3, DeploymentStatus.RUNNING)
    queued = deployment(2, DeploymentStatus.QUEUED)
    await store.commit(Change(after=service(), deployments=(deployment(1), running, queued)))
    assert [item.id for item in await store.deployments()] == ["d3", "d2", "d1"]
    assert [item.id for item in await store.deployments(limit=1)] == ["d3"]
    assert await store.deployments(unfinished=True) == [queued, running]
    assert await store.deployments(service_id="id-blog") == []
    done = dataclasses.replace(running, status=DeploymentStatus.FAILED, ended=9.0)
    await store.commit(Change(deployments=(done,)))
    assert await store.deployment("d3") == done
    assert await store.deployments(unfinished=True) == [queued]
    assert await store.deployment("none") is None


async def test_events_are_numbered_and_outlive_their_service(store):
    first = service(versions=(version(1),))
    made = await store.commit(Change(after=first, events=(event(), event(data={"a": [1]}))))
    assert [item.id for item in made] == [1, 2]
    await store.commit(Change(before=first, events=(event("blog"),)))
    assert [item.id for item in await store.events()] == [3, 2, 1]
    assert await store.events(service="shop", limit=1) == [made[1]]
    assert [item.id for item in await store.events(after=1, before=3)] == [2]
    assert await store.deployments() == []


async def test_events_are_bounded(store):
    many = store_module.KEPT_EVENTS + 3 * store_module.TRIM_EVERY
    await store.commit(Change(events=(event("blog"), event(None, "daemon.started"))))
    for _ in range(0, many, 500):
        await store.commit(Change(events=(event(),) * 500))
    kept = await store.events(service="shop", limit=many)
    assert store_module.KEPT_EVENTS <= len(kept) <= store_module.KEPT_EVENTS + 1000
    assert len(await store.events(service="blog")) == 1


async def test_meta_keeps_the_first_value(store):
    assert await store.meta("installation", "a") == "a"
    assert await store.meta("installation", "b") == "a"


async def test_commits_at_once_do_not_mix(store):
    async def one(number):
        name = f"s{number}"
        change = Change(after=service(name, versions=(version(1, name),)), events=(event(name),))
        try:
            await store.commit(change)
            clash = dataclasses.replace(service(name), id=f"again{number}")
            await store.commit(Change(after=clash, events=(event("lost"),)))
        except Conflict:
            return True
        return False

    assert all(await asyncio.gather(*(one(number) for number in range(40))))
    assert len(await store.services()) == 40
    assert await store.events(service="lost") == []


@pytest.mark.parametrize("rounds", range(0, 60, 3))
async def test_a_cancelled_commit_is_whole_or_absent(store, rounds):
    work = asyncio.ensure_future(
        store.commit(Change(after=service(versions=(version(1),)), events=(event(),)))
    )
    for _ in range(rounds):
        await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait([work])
    await store.commit(Change(events=(event("blog"),)))
    found = await store.services()
    assert len(found) == len(await store.events(service="shop"))
    assert all(len(item.versions) == 1 for item in found)


async def test_a_commit_that_waits_its_turn_can_be_cancelled(store):
    first = asyncio.ensure_future(store.commit(Change(after=service())))
    second = asyncio.ensure_future(store.commit(Change(after=service("blog"))))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([first, second])
    assert [item.name for item in await store.services()] == ["shop"]


async def test_closed_means_closed(tmp_path):
    store = await SqliteStore.open(tmp_path / "paas.db")
    waiting = asyncio.ensure_future(store.commit(Change(after=service())))
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    await waiting
    with pytest.raises(Unavailable):
        await store.commit(Change(events=(event(),)))
    with pytest.raises(Unavailable):
        await store.services()
    reopened = await SqliteStore.open(tmp_path / "paas.db")
    assert len(await reopened.services()) == 1
    await reopened.close()


async def test_a_foreign_lock_is_reported_and_leaves_the_store_usable(store, tmp_path):
    await store._database._writer.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "paas.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught:
        await store.commit(Change(after=service()))
    assert caught.value.code == "store_busy"
    other.execute("ROLLBACK")
    other.close()
    await store.commit(Change(after=service()))


async def test_a_full_disk_is_reported_and_passes(store):
    database = store._database._writer
    pages = (await database.execute_fetchall("PRAGMA page_count"))[0][0]
    await database.execute(f"PRAGMA max_page_count = {pages}")
    big = service(versions=tuple(version(number) for number in range(500)))
    with pytest.raises(Unavailable) as caught:
        await store.commit(Change(after=big, events=(event(),)))
    assert caught.value.code == "disk_full"
    assert await store.services() == []
    await database.execute("PRAGMA max_page_count = 1000000")
    await store.commit(Change(after=big))
    assert await store.services() == [big]


async def test_a_damaged_file_is_refused_naming_the_backups(tmp_path):
    path = tmp_path / "paas.db"
    await (await SqliteStore.open(path)).close()
    copy = tmp_path / "paas.db.before-2"
    copy.touch()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(path)
    assert caught.value.code == "store_corrupt"
    assert str(copy) in caught.value.advice
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(path)
    assert caught.value.code == "store_corrupt"


async def test_a_missing_directory_is_reported(tmp_path):
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(tmp_path / "none" / "paas.db")
    assert caught.value.code == "store_failed"


async def test_a_newer_database_is_refused_naming_its_release(tmp_path):
    path = tmp_path / "paas.db"
    await (await SqliteStore.open(path)).close()
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
        other.execute("UPDATE meta SET value = '9.9.9' WHERE key = 'release'")
    other.close()
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(path)
    assert caught.value.code == "newer_schema"
    assert "9.9.9" in caught.value.message


def test_migrations_back_up_apply_and_are_whole_or_absent(tmp_path):
    path = tmp_path / "paas.db"
    scripts = ["CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);"]
    for number in range(2, 7):
        store_schema.prepare(path, scripts)
        scripts.append(f"CREATE TABLE t{number} (a);")
    store_schema.prepare(path, scripts)
    names = [copy.name for copy in store_schema.backups(path)]
    assert sorted(names) == [f"paas.db.before-{number}" for number in (4, 5, 6)]
    with pytest.raises(sqlite3.Error):
        store_schema.prepare(path, [*scripts, "CREATE TABLE half (a); SELECT nonsense;"])
    with sqlite3.connect(path) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
        assert "t6" in tables
        assert "half" not in tables
        assert db.execute("PRAGMA user_version").fetchone()[0] == 6
    db.close()
    with sqlite3.connect(path.with_name("paas.db.before-6")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone()[0] == 5
    copy.close()


async def test_files_are_private(store, tmp_path):
    await store.commit(Change(after=service()))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("paas.db*")} == {0}


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=12))


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.from_type(Service),
    st.lists(st.from_type(Version), max_size=3, unique_by=lambda item: item.id),
)
def test_any_service_reads_back(tmp_path_factory, found, versions):
    numbered = tuple(
        dataclasses.replace(item, number=number) for number, item in enumerate(versions)
    )
    domains = tuple({domain.name: domain for domain in found.domains}.values())
    value = dataclasses.replace(found, versions=numbered, domains=domains)

    async def scenario():
        store = await SqliteStore.open(tmp_path_factory.mktemp("any") / "paas.db")
        try:
            await store.commit(Change(after=value))
            assert await store.services() == [value]
        finally:
            await store.close()

    asyncio.run(scenario())
