"""A daemon with its engine, and the few things that nearly every test does with them."""

import http.client
import itertools
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.e2e import apps
from tests.e2e.api import Api
from tests.e2e.daemon import Daemon
from tests.e2e.engine import Engine
from tests.e2e.http_calls import Answer, get, send
from tests.e2e.waiting import until

_NUMBERS = itertools.count(1)


class World:
    """Deploys, asks and counts. Service names are new for each test."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    @property
    def api(self) -> Api:
        return self.daemon.api

    @property
    def engine(self) -> Engine:
        return self.daemon.engine

    @staticmethod
    def name() -> str:
        """A service name that no other test uses."""
        return f"app{next(_NUMBERS)}x{apps.RUN}"

    # ---- deploying

    def submit(self, service: str, source: apps.Source, **spec: Any) -> dict[str, Any]:
        """An accepted deployment of a source."""
        answer = self.api.upload(service, source.targz(), **spec)
        assert answer.status == 202, answer.text
        accepted: dict[str, Any] = answer.json
        return accepted

    def deploy(self, service: str, text: str = "hello", **spec: Any) -> dict[str, Any]:
        """A small web program, deployed; it answers `text`."""
        return self.succeed(service, apps.web(text), **spec)

    def succeed(self, service: str, source: apps.Source, **spec: Any) -> dict[str, Any]:
        accepted = self.submit(service, source, **spec)
        ended = self.api.ended(accepted["id"])
        assert ended["status"] == "succeeded", (ended, self.api.log(accepted["id"]))
        return ended

    def fail(self, service: str, source: apps.Source, **spec: Any) -> dict[str, Any]:
        """A deployment that fails; it says why, and its version with it."""
        accepted = self.submit(service, source, **spec)
        ended = self.api.ended(accepted["id"])
        assert ended["status"] == "failed", ended
        assert ended["error"]["message"]
        version = self.api.version(ended["version"])
        assert version["status"] == "failed"
        assert version["failure"]["code"] == ended["error"]["code"]
        return ended

    # ---- asking

    def get(self, name: str, path: str = "/", *, timeout: float = 30.0) -> Answer:
        """Through the proxy; `name` is a service, a version or a full host name."""
        host = name if "." in name else f"{name}.localhost"
        return get("127.0.0.1", self.daemon.proxy_port, path, name=host, timeout=timeout)

    def body(self, name: str, path: str = "/") -> str:
        answer = self.get(name, path)
        assert answer.status == 200, (answer.status, answer.text)
        return answer.text.strip()

    def bodies(self, name: str, count: int) -> list[str]:
        """The answers to so many requests on one connection."""
        host = name if "." in name else f"{name}.localhost"
        connection = http.client.HTTPConnection("127.0.0.1", self.daemon.proxy_port, timeout=30)
        with closing(connection):
            answers = [send(connection, "GET", "/", headers={"Host": host}) for _ in range(count)]
        assert {answer.status for answer in answers} == {200}
        return [answer.text.strip() for answer in answers]

    # ---- counting

    def containers(self, service: str = "") -> list[str]:
        """Ids of the containers of this installation, or of one service."""
        labels = [f"paas.installation={self.daemon.installation}"]
        return self.engine.containers(*labels, *([f"paas.service={service}"] if service else []))

    def replica(self, version: str) -> str:
        """The container of the version's only replica."""
        (found,) = self.api.replicas(version)
        return str(found["id"])

    def condition(self, version: str) -> str:
        return str(self.api.version(version)["condition"])

    def sleep(self, service: str, version: str) -> None:
        """Let the version go to zero."""
        path = f"/v1/services/{service}"
        assert self.api.patch(path, {"idle": {"stop_after": 1}}).status == 200
        until(lambda: self.condition(version) == "zero", f"{version} at zero")
        until(lambda: not self.containers(service), "its containers are gone")
        assert self.api.patch(path, {"idle": {"stop_after": 3600}}).status == 200

    def events(self, service: str, kind: str) -> list[dict[str, Any]]:
        found = self.api.items(f"/v1/services/{service}/events")
        return [event for event in found if event["kind"] == kind]

    def assert_tidy(self) -> None:
        """Nothing of uploads and builds stays when no deployment is under way."""
        with suppress(AssertionError):
            until(lambda: not self.leftovers(), "nothing is left", seconds=5)
        assert self.leftovers() == []

    def leftovers(self) -> list[str]:
        """Files of uploads and builds that are there now."""
        folders = (self.daemon.data / "uploads", self.daemon.data / "builds")
        return [str(path) for folder in folders for path in _inside(folder)]


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
