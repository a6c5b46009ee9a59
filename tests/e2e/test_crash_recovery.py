"""Promise 2: what was acknowledged survives `kill -9`, at whatever moment it comes."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.e2e import apps
from tests.e2e.api import ENDED, version_path
from tests.e2e.daemon import ROOT, Daemon, running, short_folder
from tests.e2e.engine import RUN_LABEL
from tests.e2e.http_calls import Answer, get
from tests.e2e.load import Load
from tests.e2e.waiting import steady, until
from tests.e2e.world import World

MANY = 3000


def big() -> apps.Source:
    """So many files that unpacking them takes a moment; the build ignores them."""
    files = {f"ignored/{number}": os.urandom(16) for number in range(MANY)}
    source = apps.web("new").plus(**{".dockerignore": "ignored\n"})
    return apps.Source(files=source.files | files, links=source.links)


STEPS = {
    "fetch": big,
    "build": lambda: apps.web("new", build='RUN ["sleep", "2"]'),
    "start": lambda: apps.web("new"),
    "check": lambda: apps.web("new", before="sleep 2"),
    "release": lambda: apps.web("new", before="sleep 1"),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_a_step(own: World, service: str, step: str) -> None:
    own.deploy(service, "old")
    old = own.replica(f"{service}-001")
    accepted = own.submit(service, STEPS[step]())
    until(lambda: _reached(own, accepted["id"], step), f"{step} is reached", pause=0.002)
    own.daemon.kill9()
    assert old in own.containers(service)
    own.daemon.start()
    assert own.body(f"{service}-001") == "old"
    ended = own.api.ended(accepted["id"])
    assert ended["status"] == "succeeded", (ended, own.api.log(accepted["id"]))
    assert own.body(service) == own.body(f"{service}-002") == "new"
    assert own.replica(f"{service}-001") == old
    _nothing_else(own, service, versions=2)


def test_killed_while_queued(own: World, service: str) -> None:
    first = own.submit(service, apps.web("first", build='RUN ["sleep", "1"]'))
    second = own.submit(service, apps.web("second"), traffic="none")
    own.daemon.restart()
    assert own.api.ended(first["id"])["status"] == "succeeded"
    assert own.api.ended(second["id"])["status"] == "succeeded"
    assert own.body(service) == "first"
    assert own.body(f"{service}-002") == "second"
    _nothing_else(own, service, versions=2)


def test_killed_while_pulling(own: World, service: str) -> None:
    """The registry accepts and says nothing; after the restart it is gone: the reason."""
    own.deploy(service, "old")
    with silent_registry() as address:
        source = {"type": "image", "image": f"{address}/none:1"}
        answer = own.api.post(f"/v1/services/{service}/deployments", {"source": source})
        ident = answer.json["id"]
        until(lambda: _reached(own, ident, "fetch"), "it pulls")
        own.daemon.restart()
        assert own.body(service) == "old"
        until(lambda: _reached(own, ident, "fetch"), "it pulls again")
    ended = own.api.ended(ident)
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "pull_failed"
    assert own.body(service) == "old"
    _nothing_else(own, service, versions=1)


def test_killed_before_a_failure_was_told(own: World, service: str) -> None:
    accepted = own.submit(service, apps.program("sleep 2; exit 5"))
    until(lambda: _reached(own, accepted["id"], "check"), "it is being checked")
    own.daemon.restart()
    ended = own.api.ended(accepted["id"])
    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "replica_exited", ended
    _nothing_else(own, service, versions=0)


def test_killed_under_traffic_adopts_what_runs(own: World, service: str) -> None:
    own.deploy(service, "one")
    own.deploy(service, "two", traffic="none")
    own.api.split(service, v1=50, v2=50)
    before = sorted(own.containers(service))
    with Load(own.daemon.proxy_port, f"{service}.localhost", rate=20) as load:
        until(lambda: load.total > 20, "traffic")
        own.daemon.kill9()
        begun = time.monotonic()
        own.daemon.start()
        assert own.get(service).status == 200
        assert time.monotonic() - begun < 4
        seen = load.statuses[200]
        until(lambda: load.statuses[200] > seen + 20, "traffic again")
    assert not [status for status in load.failures if not _is_refusal(status)]
    assert steady(lambda: sorted(own.containers(service)), "adopted", seconds=2) == before
    assert {own.body(f"{service}-001"), own.body(f"{service}-002")} == {"one", "two"}


@pytest.mark.parametrize(("replicas", "wanted"), [(1, 4), (4, 1)])
def test_killed_while_scaling(own: World, service: str, replicas: int, wanted: int) -> None:
    own.deploy(service, "x", replicas={"min": replicas, "max": 4})
    until(lambda: _ready(own, service) == replicas, "as many as asked for")
    answer = own.api.patch(version_path(f"{service}-001"), {"replicas": {"min": wanted, "max": 4}})
    assert answer.status == 200
    until(lambda: len(own.containers(service)) != replicas, "it has begun", pause=0.002)
    own.daemon.restart()
    assert own.body(service) == "x"
    until(lambda: _ready(own, service) >= wanted, "as many as wanted")
    assert own.api.version(f"{service}-001")["replicas"]["min"] == wanted


def test_killed_while_deleting(own: World, service: str) -> None:
    """Gone for good, or as it was: never something between."""
    own.deploy(service, "one", replicas={"min": 3})
    until(lambda: len(own.containers(service)) == 3, "three replicas")
    path = f"/v1/services/{service}"
    asked = threading.Thread(target=lambda: _delete(own, path, confirm=service))
    asked.start()
    until(lambda: len(own.containers(service)) != 3 or not asked.is_alive(), "begun", pause=0.002)
    own.daemon.restart()
    asked.join(30)
    assert own.api.get(path).status in (200, 404)
    if own.api.get(path).status == 200:
        assert own.body(service) == "one"
        assert own.api.delete(path, confirm=service).status == 204
    until(lambda: not own.containers(service), "nothing of it runs")
    assert own.api.get(path).status == 404
    until(lambda: not own.engine.tags(f"paas/{service}"), "no image of it is left")
    own.assert_tidy()


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.02, 0.05])
def test_killed_while_migrating(moment: float) -> None:
    """The first start brings the schema from nothing to the newest."""
    with short_folder() as data:
        daemon = Daemon(data)
        begun = subprocess.Popen(
            [sys.executable, "-m", "paas", "serve"],
            env=daemon.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until((data / "paas.db").exists, "the database is made", pause=0.001)
        time.sleep(moment)  # which statement that is does not matter
        begun.kill()
        begun.wait(10)
        with running(daemon):
            assert daemon.api.post("/v1/services", {"name": "kept"}).status == 201
            assert [one["name"] for one in daemon.api.items("/v1/services")] == ["kept"]


def test_settings_and_history_survive(own: World, service: str) -> None:
    own.deploy(service, "one", note="kept", env={"A": "b"}, replicas={"max": 3})
    own.deploy(service, "two")
    own.api.split(service, v1=70, v2=30)
    domain = f"{service}.example.com"
    assert own.api.post(f"/v1/services/{service}/domains", {"domain": domain}).status == 201
    before = _all_of(own, service)
    own.daemon.restart()
    until(lambda: own.condition(f"{service}-002") == "serving", "adopted")
    until(lambda: own.condition(f"{service}-001") == "serving", "adopted")
    assert _all_of(own, service) == before
    assert own.get(domain).status == 200
    assert own.api.post(f"/v1/services/{service}/rollback").status == 200
    assert set(own.bodies(service, 3)) == {"two"}


def test_a_sleeper_stays_asleep(own: World, service: str) -> None:
    own.deploy(service, "cold")
    own.sleep(service, f"{service}-001")
    own.daemon.restart()
    until(lambda: own.condition(f"{service}-001") == "zero", "the engine was looked at")
    assert steady(lambda: own.condition(f"{service}-001"), "asleep", seconds=2) == "zero"
    answer = own.get(service)
    assert (answer.status, answer.text.strip()) == (200, "cold")
    assert "x-paas-cold-start" in answer.headers


def test_what_changed_while_the_daemon_was_away(own: World, service: str) -> None:
    """A replica removed and one that ended by itself are both replaced."""
    own.deploy(service, "one", replicas={"min": 1})
    removed = own.replica(f"{service}-001")
    own.daemon.kill9()
    own.engine.run("rm", "-f", removed)
    own.daemon.start()
    until(lambda: own.condition(f"{service}-001") == "serving", "started again", seconds=10)
    killed = own.replica(f"{service}-001")
    own.daemon.kill9()
    own.engine.run("kill", killed)
    own.daemon.start()
    assert own.body(service) == "one"
    assert killed not in own.containers(service)
    _nothing_else(own, service, versions=1)


def test_the_end_waits_for_requests_under_way(own: World, service: str) -> None:
    own.deploy(service, "slow answer")
    kept = own.containers(service)
    answers: list[Answer] = []
    request = threading.Thread(
        target=lambda: answers.append(own.get(service, "/cgi-bin/slow?2")), name="slow request"
    )
    request.start()
    (replica,) = until(
        lambda: [one for one in own.api.replicas(f"{service}-001") if one["in_flight"]],
        "the request is under way",
    )
    process = own.daemon.begin_to_end()
    until(lambda: not _accepts(own.daemon.proxy_port), "no new requests are accepted")
    request.join(10)
    assert process.wait(15) == 0
    assert [(one.status, one.text.strip()) for one in answers] == [(200, "slow answer")]
    assert own.containers(service) == kept == [replica["id"]]
    own.daemon.start()
    assert own.body(service) == "slow answer"
    assert own.replica(f"{service}-001") == replica["id"]


def test_a_second_daemon_is_refused(own: World) -> None:
    words = [sys.executable, "-m", "paas", "serve"]
    done = subprocess.run(
        words, env=own.daemon.environment, cwd=ROOT, capture_output=True, timeout=15, check=False
    )
    assert done.returncode != 0
    assert f"process {own.daemon.pid}" in done.stderr.decode()
    assert own.api.get("/v1/health").status == 200


@contextmanager
def silent_registry() -> Iterator[str]:
    """An address that accepts connections and never answers; then they all break."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    taken.append(server.accept()[0])
                except TimeoutError:
                    continue

        listener = threading.Thread(target=accept, name="silent registry")
        listener.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            listener.join()
            for connection in taken:
                connection.close()


def _reached(world: World, ident: str, step: str) -> bool:
    """Whether that step, or one behind it, has begun."""
    deployment = world.api.deployment(ident)
    steps = {one["name"]: one["status"] for one in deployment["steps"]}
    names = list(steps)
    later = names[names.index(step) :]
    return deployment["status"] in ENDED or any(
        steps[name] in ("running", "succeeded", "failed") for name in later
    )


def _nothing_else(world: World, service: str, *, versions: int) -> None:
    """One container for each version that runs, no other image, and no trace of work."""
    until(lambda: len(world.containers(service)) == versions, f"{versions} containers")
    until(lambda: not _builders(world), "no container of a build")
    known = {version["image"] for version in world.api.items(f"/v1/services/{service}/versions")}
    assert set(world.engine.tags(f"paas/{service}")) <= known
    world.assert_tidy()


def _builders(world: World) -> list[str]:
    """Containers of build steps carry the test's label and no replica's."""
    mine = world.engine.containers(f"{RUN_LABEL}={apps.RUN}")
    return sorted(set(mine) - set(world.engine.containers("paas.kind=replica")))


def _ready(world: World, service: str) -> int:
    return [one["state"] for one in world.api.replicas(f"{service}-001")].count("ready")


def _delete(world: World, path: str, **query: object) -> None:
    with suppress(OSError, http.client.HTTPException):  # the daemon is killed meanwhile
        world.api.delete(path, **query)


def _all_of(world: World, service: str) -> list[object]:
    path = f"/v1/services/{service}"
    return [
        world.api.service(service),
        world.api.items(f"{path}/versions"),
        world.api.items(f"{path}/deployments"),
        world.api.items(f"{path}/domains"),
        [event["id"] for event in world.api.items(f"{path}/events")],
    ]


def _is_refusal(status: int | str) -> bool:
    """What a client sees of a process that died: nobody listens, or its connection broke."""
    broken = ("ConnectionRefused", "ConnectionReset", "RemoteDisconnected", "BrokenPipe")
    return isinstance(status, str) and status.startswith(broken)


def _accepts(port: int) -> bool:
    try:
        get("127.0.0.1", port, timeout=2)
    except (OSError, http.client.HTTPException):
        return False
    return True
