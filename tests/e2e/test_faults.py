"""Programs that misbehave and disks that are full: told, bounded, and nobody else's trouble."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.disks import filled, small_disk
from tests.e2e.load import Load
from tests.e2e.waiting import until
from tests.e2e.world import World

MIB = 1024**2


@pytest.fixture(scope="module")
def neighbour(own: World) -> str:
    """A service that must not notice."""
    name = World.name()
    own.deploy(name, "fine", replicas={"min": 1, "max": 1})
    return name


@contextmanager
def unharmed(own: World, neighbour: str) -> Iterator[None]:
    """The neighbour answers every request meanwhile, and keeps its replica."""
    before = own.replica(f"{neighbour}-001")
    with Load(own.daemon.proxy_port, f"{neighbour}.localhost", rate=50) as load:
        until(lambda: load.total > 20, "traffic")
        yield
        until(lambda total=load.total: load.total > total + 20, "traffic to the end")
    assert load.failures == {}
    assert own.replica(f"{neighbour}-001") == before


def test_out_of_memory_is_told(own: World, neighbour: str, service: str) -> None:
    script = "httpd -p $PORT -h /www; echo about to eat; sleep 2; tail /dev/zero; exit 137"
    hungry = apps.program(script, files={"www/index.html": "hungry"})
    with unharmed(own, neighbour):
        own.succeed(service, hungry, memory="16MiB", replicas={"min": 1})
        (event, *_) = until(lambda: own.events(service, "replica.failed"), "it is told")
    assert event["data"]["code"] == "out_of_memory", event
    assert "about to eat" in str(event["data"]["log"])


def test_a_program_that_hangs(own: World, neighbour: str, service: str) -> None:
    own.deploy(service, "x", timeouts={"idle": 1})
    replica = own.replica(f"{service}-001")
    with unharmed(own, neighbour):
        own.engine.run("exec", replica, "sh", "-c", "kill -STOP -1; true")
        hung = own.get(service)
        assert (hung.status, hung.headers["x-paas-error"]) == (504, "upstream_timeout")
        own.engine.run("kill", "--signal", "CONT", replica, check=False)
        own.engine.run("exec", replica, "sh", "-c", "kill -CONT -1; true")
        until(lambda: own.get(service).status == 200, "it answers again")


def test_a_flood_of_output(own: World, neighbour: str, service: str) -> None:
    flood = "(while :; do echo 0123456789abcdef0123456789abcdef0123456789abcdef; done) & echo on"
    with unharmed(own, neighbour):
        own.succeed(service, apps.web("x", before=flood), cpu=0.3)
        first = memory(own)
        kept = own.daemon.data / "logs"
        until(lambda: size(kept) > MIB, "it is being written", seconds=40)
        assert memory(own) < first + 40 * MIB
        assert own.body(service) == "x"
        remarks = f"/v1/services/{service}/logs?stream=paas"
        until(lambda: "lines dropped" in own.api.get(remarks).text, "that is told", seconds=40)
    assert own.api.delete(f"/v1/services/{service}", confirm=service).status == 204


@pytest.mark.parametrize("fault", ["kill", "stop", "restart", "rm -f"])
def test_a_replica_ended_under_load_loses_no_safe_request(
    own: World, service: str, fault: str
) -> None:
    own.deploy(service, "x", replicas={"min": 2, "max": 2})
    until(lambda: len(own.containers(service)) == 2, "two replicas")
    until(lambda: all(one["state"] == "ready" for one in own.api.replicas(f"{service}-001")), "up")
    with Load(own.daemon.proxy_port, f"{service}.localhost", rate=200) as load:
        until(lambda: load.total > 200, "traffic")
        own.engine.run(*fault.split(), own.containers(service)[0])
        until(lambda total=load.total: load.total > total + 600, "traffic after it")
        until(lambda: states(own, f"{service}-001") == ["ready"] * 2, "it is replaced", seconds=5)
    assert load.failures == {}


def states(own: World, version: str) -> list[str]:
    return [one["state"] for one in own.api.replicas(version)]


def test_the_clock_is_set_back_and_forth(service: str) -> None:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    with short_folder() as data:
        offset = data / "offset"
        offset.write_text("+0\n")
        faked = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        with running(Daemon(data, settings=faked)) as daemon:
            world = World(daemon)
            world.deploy(service, "x", replicas={"min": 1, "max": 1})
            replica = world.replica(f"{service}-001")
            with Load(daemon.proxy_port, f"{service}.localhost") as load:
                for step in ("+3d", "-400d", "+20y", "+0"):
                    offset.write_text(f"{step}\n")
                    until(lambda n=load.total: load.total > n + 100, "traffic after it")
                    assert world.replica(f"{service}-001") == replica
                    assert world.api.get("/v1/health").json["status"] == "ok"
            assert load.failures == {}
            world.deploy(service, "y")
            assert world.body(service) == "y"


def test_a_database_without_room(service: str) -> None:
    """16 MB full to the last byte: requests and reads go on, changes are refused."""
    settings = {"PAAS_DISK__REFUSE_FREE": "0"}
    with small_disk("16m") as data, running(Daemon(data, settings=settings)) as daemon:
        world = World(daemon)
        world.deploy(service, "served")
        path = f"/v1/services/{service}"
        with filled(data, 0), Load(daemon.proxy_port, f"{service}.localhost") as load:
            refused = until(lambda: _refused(world, path), "changes are refused")
            assert refused == (507, "disk_full")
            assert world.api.service(service)["split"] == {f"{service}-001": 100}
            until(lambda: load.total > 100, "traffic")
        assert load.failures == {}
        until(lambda: world.api.patch(path, {"sticky": True}).status == 200, "taken again")
        daemon.restart()
        assert world.body(service) == "served"
        assert world.api.service(service)["sticky"] is True


def test_a_damaged_database_is_refused_and_left_as_it_is(service: str) -> None:
    with short_folder() as data:
        daemon = Daemon(data)
        with running(daemon):
            World(daemon).deploy(service, "x")
            assert daemon.terminate() == 0
            file = data / "paas.db"
            whole = file.read_bytes()
            damaged = whole[:4096] + bytes(255 - one for one in whole[4096:12288]) + whole[12288:]
            file.write_bytes(damaged)
            with pytest.raises(AssertionError, match="the daemon ended"):
                daemon.start()
            assert "damaged" in daemon.log or "corrupt" in daemon.log
            assert file.read_bytes() == damaged
            file.write_bytes(whole[: len(whole) // 2])
            with pytest.raises(AssertionError, match="the daemon ended"):
                daemon.start()
            file.write_bytes(whole)
            (data / "paas.db-wal").unlink(missing_ok=True)  # after a good end nothing is in it
            daemon.start()
            assert World(daemon).body(service) == "x"


def _refused(world: World, path: str) -> tuple[int, str] | None:
    answer = world.api.patch(path, {"auto_prune": True})
    return (answer.status, answer.json["code"]) if answer.status != 200 else None


def memory(world: World) -> int:
    """Resident bytes of the daemon."""
    for line in Path(f"/proc/{world.daemon.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
