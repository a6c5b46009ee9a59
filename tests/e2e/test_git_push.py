"""`git push` with real git, ssh, builds and containers."""

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e import apps, sshd
from tests.e2e.daemon import Daemon, free_port, running, short_folder
from tests.e2e.git import Ran, WorkTree, finished
from tests.e2e.waiting import until
from tests.e2e.world import World

PAAS = f"{Path(sys.executable).parent}/paas"
MIB = 1024 * 1024


class Pushing(World):
    """A world that is pushed to over TCP."""

    def __init__(self, daemon: Daemon, port: int) -> None:
        super().__init__(daemon)
        self.port = port

    def url(self, service: str, *, token: str = "") -> str:
        known = (self.daemon.data / "admin.token").read_text().strip()
        return f"http://ann:{token or known}@127.0.0.1:{self.port}/git/{service}.git"

    def assert_swept(self) -> None:
        """No push has left anything."""
        folder = self.daemon.data / "git"
        patterns = ("tmp/*", "new-*", "*.git/objects/tmp_objdir*")
        until(lambda: not [one for what in patterns for one in folder.glob(what)], "swept")
        self.assert_tidy()


@pytest.fixture(scope="module")
def paas() -> Iterator[Pushing]:
    port = free_port()
    settings = {"PAAS_API__LISTEN": f"127.0.0.1:{port}"}
    with short_folder() as data, running(Daemon(data, settings=settings)) as daemon:
        yield Pushing(daemon, port)


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    return WorkTree(tmp_path / "work")


def test_push_and_push_again(paas: Pushing, service: str, tree: WorkTree) -> None:
    tree.commit(apps.web("one"))
    first = tree.run("push", paas.url(service), "main")
    assert first.code == 0, first.text
    assert f"remote:   http://{service}.localhost:{paas.daemon.proxy_port}/" in first.text
    assert paas.body(service) == "one"
    tree.commit(apps.web("two"))
    assert tree.run("push", paas.url(service), "main").code == 0
    assert paas.body(service) == "two"
    tree.commit(apps.web("three", build="RUN ['false']"))
    broken = tree.run("push", paas.url(service), "main")
    assert broken.code == 1
    assert "pre-receive hook declined" in broken.text
    assert paas.body(service) == "two"
    paas.assert_swept()


def test_the_log_is_live(paas: Pushing, service: str, tree: WorkTree) -> None:
    """What the build says arrives while the build goes on."""
    tree.commit(apps.web("slow", build='RUN ["sleep", "3"]'))
    with tree.start("push", paas.url(service), "main") as process:
        assert process.stdout is not None
        times = {line.strip(): time.monotonic() for line in process.stdout if "Step" in line}
        assert process.wait(30) == 0
    assert max(times.values()) - min(times.values()) > 2


def test_a_wrong_token_and_odd_names(paas: Pushing, service: str, tree: WorkTree) -> None:
    tree.commit(apps.web("x"))
    assert "Authentication failed" in tree.run("push", paas.url(service, token="x"), "main").text
    for name in ("../" + service, "Shop", "api", "x-001"):
        refused = tree.run("push", paas.url(name), "main")
        assert refused.code == 128, refused.text
    cloned = tree.run("clone", paas.url(service), "elsewhere")
    assert "remote: Repositories can be pushed to here" in cloned.text


def test_fifty_megabytes(paas: Pushing, service: str, tree: WorkTree) -> None:
    (tree.folder / "large").write_bytes(secrets.token_bytes(50 * MIB))
    (tree.folder / ".dockerignore").write_text("large\n")
    tree.commit(apps.web("large"))
    pushed = tree.run("push", paas.url(service), "main")
    assert pushed.code == 0, pushed.text
    assert paas.body(service) == "large"
    paas.assert_swept()


def test_kill_9_during_a_push(paas: Pushing, service: str, tree: WorkTree) -> None:
    tree.commit(apps.web("killed", build='RUN ["sleep", "30"]'))
    push = tree.start("push", paas.url(service), "main")
    until(lambda: _building(paas, service), "it builds")
    paas.daemon.restart()
    assert finished(push).code != 0
    until(lambda: not _hooks(paas), "git and its hook have ended")
    (resumed,) = paas.api.items(f"/v1/services/{service}/deployments")
    assert paas.api.post(f"/v1/deployments/{resumed['id']}/cancel").status == 200
    tree.commit(apps.web("again"))
    again = tree.run("push", paas.url(service), "main")
    assert again.code == 0, again.text
    assert paas.body(service) == "again"
    paas.assert_swept()


def test_interrupted_by_its_user(paas: Pushing, service: str, tree: WorkTree) -> None:
    tree.commit(apps.web("never", build='RUN ["sleep", "30"]'))
    push = tree.start("push", paas.url(service), "main")
    until(lambda: _building(paas, service), "it builds")
    os.killpg(push.pid, signal.SIGINT)
    assert finished(push).code != 0
    (deployment,) = paas.api.items(f"/v1/services/{service}/deployments")
    assert paas.api.ended(deployment["id"])["status"] == "cancelled"
    until(lambda: not _hooks(paas), "git and its hook have ended")
    paas.assert_swept()


def test_over_ssh(paas: Pushing, service: str, tmp_path: Path) -> None:
    """The key's user needs the daemon's socket only, and gets no shell."""
    command = f"{PAAS} git-hook --user ann --url unix://{paas.daemon.data}/api.sock"
    keys = tmp_path / "ssh"
    keys.mkdir()
    with sshd.server(keys, command) as server:
        tree = WorkTree(tmp_path / "work", variables={"GIT_SSH_COMMAND": server.command})
        tree.commit(apps.web("ssh"))
        url = f"{server.url}/{service}.git"
        pushed = tree.run("push", url, "main")
        assert pushed.code == 0, pushed.text
        assert "remote: " in pushed.text
        assert paas.body(service) == "ssh"
        (deployment,) = paas.api.items(f"/v1/services/{service}/deployments")
        assert deployment["actor"] == "socket:ann"
        assert tree.run("push", url, "main").code == 0  # nothing is new
        assert tree.run("push", url, "main:other").code == 0
        assert tree.run("push", url, ":other").code == 0
        tree.commit(apps.web("x", build="RUN ['false']"))
        assert "pre-receive hook declined" in tree.run("push", url, "main").text
        assert "not fetched from" in tree.run("fetch", url).text
        host, _, port = server.url.removeprefix("ssh://").rpartition(":")
        for asked in ("id", "git-receive-pack 'x.git'; id", ""):
            ran = _ssh(tree, server.command, port, host, asked)
            assert "for git push only" in ran.text
            assert "uid=" not in ran.text
    paas.assert_swept()


def test_as_a_hook_of_any_repository(paas: Pushing, service: str, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    environment = {"PAAS_DATA_DIR": str(paas.daemon.data)}
    tree = WorkTree(tmp_path / "work", variables=environment)
    tree.done("init", "-q", "--bare", str(bare))
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec {PAAS} git-hook --service {service}\n")
    hook.chmod(0o755)
    head = tree.commit(apps.web("hook"))
    pushed = tree.run("push", str(bare), "main")
    assert pushed.code == 0, pushed.text
    assert paas.body(service) == "hook"
    (deployment,) = paas.api.items(f"/v1/services/{service}/deployments")
    assert (deployment["actor"], deployment["revision"]) == ("socket", head)
    tree.commit(apps.web("x", build="RUN ['false']"))
    assert tree.run("push", str(bare), "main").code == 1


def _hooks(paas: Pushing) -> list[str]:
    """Processes that were started for pushes to this daemon."""
    mark = f"PAAS_SOCKET={paas.daemon.data}/api.sock".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
    return found


def _building(paas: Pushing, service: str) -> bool:
    if paas.api.get(f"/v1/services/{service}").status != 200:
        return False
    deployments = paas.api.items(f"/v1/services/{service}/deployments")
    return any("sleep" in paas.api.log(one["id"]) for one in deployments)


def _ssh(tree: WorkTree, command: str, port: str, host: str, asked: str) -> Ran:
    """What ssh itself says, run through an alias of git in the tree's environment."""
    alias = f"alias.try=!{command} -p {port} {host} {asked!r}" if asked else ""
    plain = f"alias.try=!{command} -p {port} {host} </dev/null"
    return tree.run("-c", alias or plain, "try")
