"""The daemon as its callers see it: its API, and the engine beneath it.

Calls, waiting and programs to deploy are those of the end-to-end tests.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.e2e.api import Api
from tests.e2e.apps import RUN, Source
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.waiting import until

DEPLOY_SECONDS = 300.0
_START_SECONDS = 20.0


class Platform:
    """The daemon that serves from `data`, once it has its engine."""

    def __init__(self, data: Path) -> None:
        self.api = Api(data / "api.sock")
        self.engine = Engine()
        until(self._has_engine, "the daemon has its engine", seconds=_START_SECONDS)
        self.installation = installation(data)

    def deploy(self, service: str, source: Source, **spec: Any) -> dict[str, Any]:
        """The deployment of that source, succeeded."""
        answer = self.api.upload(service, source.tar(), filename="source.tar", **spec)
        assert answer.status == 202, answer.text
        return self.succeeded(answer.json["id"])

    def succeeded(self, deployment: str) -> dict[str, Any]:
        ended = self.api.ended(deployment, seconds=DEPLOY_SECONDS)
        assert ended["status"] == "succeeded", (ended, self.api.log(deployment))
        return ended

    def delete(self, service: str) -> None:
        """The service, and what the engine has of it."""
        assert self.api.delete(f"/v1/services/{service}", confirm=service).status == 204
        label = f"paas.service={service}"
        until(lambda: not self.engine.containers(label), "its containers are gone")

    def _has_engine(self) -> bool:
        try:
            return bool(self.api.get("/v1/health").json.get("gateway"))
        except OSError:  # the proxy listens before the API does
            return False


def installation(data: Path) -> str:
    """The id that everything of that daemon bears on the engine."""
    with closing(sqlite3.connect(data / "paas.db")) as store:
        rows = store.execute("SELECT value FROM meta WHERE key = 'installation'").fetchall()
    return str(rows[0][0])


def wipe(data: Path) -> None:
    """Take off the engine what the daemon of `data`, which has ended, put there."""
    with suppress(AssertionError, OSError, sqlite3.Error, IndexError):
        engine = Engine()
        engine.wipe_installation(installation(data))
        engine.wipe(f"{RUN_LABEL}={RUN}")
