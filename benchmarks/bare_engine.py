"""The engine alone: what a start costs with nobody between, by its own API."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from paas.adapters.docker_config import network_name, replica_config
from paas.core.spec import PinnedImage
from paas.ports import ReplicaSpec
from tests.e2e.apps import RUN
from tests.e2e.engine import RUN_LABEL
from tests.e2e.http_calls import UnixConnection, send

SOCKET = Path("/var/run/docker.sock")
_SECONDS = 60.0
_PAUSE = 0.001


class BareEngine:
    """Starts replicas of a version as the daemon would, in its network and with its limits,
    but without the labels by which it would take them for its own.
    """

    def __init__(self, version: dict[str, Any], *, installation: str) -> None:
        spec = ReplicaSpec(
            service=version["service"],
            version=version["name"],
            version_id="none",
            image=PinnedImage(reference=version["image"], id=version["image_id"]),
            port=version["port"],
            cpu=version["cpu"],
            memory=version["memory"],
            env={"PORT": str(version["port"])},
            command=None,
            args=None,
        )
        self._config = replica_config(spec, installation=installation)
        self._config["Labels"] = {RUN_LABEL: RUN}
        self._network = network_name(installation)
        self._port = spec.port

    def start(self) -> float:
        """Milliseconds from nothing to the first accepted connection."""
        begun = time.perf_counter()
        with self._created() as container:
            _call("POST", f"/containers/{container}/start")
            networks = _call("GET", f"/containers/{container}/json")["NetworkSettings"]["Networks"]
            _connect(networks[self._network]["IPAddress"], self._port)
            return (time.perf_counter() - begun) * 1e3

    @contextmanager
    def _created(self) -> Iterator[str]:
        container = _call("POST", "/containers/create", self._config)["Id"]
        try:
            yield container
        finally:
            _call("DELETE", f"/containers/{container}?force=1&v=1")


def _call(method: str, path: str, value: object = None) -> Any:
    headers = {"Content-Type": "application/json"}
    body = None if value is None else json.dumps(value).encode()
    with closing(UnixConnection(SOCKET, _SECONDS)) as connection:
        answer = send(connection, method, path, body=body, headers=headers)
    assert answer.status < 300, answer.text
    return answer.json if answer.body.strip() else None


def _connect(host: str, port: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the replica never listened"
            time.sleep(_PAUSE)
        else:
            return
