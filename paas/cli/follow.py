"""Watches a deployment to its end: its state by asking, its log by event stream.

The log is an extra: losing it never ends the watch. A daemon that restarts
meanwhile is waited for.
"""

import json
import threading
import time
from collections.abc import Iterable
from queue import Empty, SimpleQueue
from typing import Any

from paas.cli.client import Client, segment
from paas.cli.progress import Progress
from paas.cli.trouble import CliError, Unreachable

ENDED = frozenset({"succeeded", "failed", "cancelled"})
ASK_SECONDS = 0.2
DRAW_SECONDS = 0.1
ABSENCE_SECONDS = 60.0
LOG_SECONDS = 3.0
"""How long the last lines may take to arrive after the deployment ended."""


def follow(
    client: Client,
    deployment: dict[str, Any],
    show: Progress,
    *,
    patience: float = ABSENCE_SECONDS,
) -> dict[str, Any]:
    """The deployment after it ended. Raises `Unreachable` after `patience` seconds without
    answers.
    """
    lines: SimpleQueue[str] = SimpleQueue()
    path = f"/v1/deployments/{segment(deployment['id'])}"
    reader = threading.Thread(
        target=_read_log, args=(client, path + "/log", lines), name="log", daemon=True
    )
    reader.start()
    steps = _Steps(show)
    answered = time.monotonic()
    while True:
        try:
            deployment = client.get(path)
            answered = time.monotonic()
        except Unreachable:
            if time.monotonic() - answered > patience:
                raise
            show.busy("waiting for the daemon", time.monotonic() - answered)
        ended = deployment["status"] in ENDED
        if ended:
            reader.join(LOG_SECONDS)
        _drain(lines, show)
        steps.update(deployment)
        if ended:
            return deployment
        _wait(lines, show, steps)


def log_text(data: str) -> dict[str, Any]:
    """A log event's data as its JSON object; a bare text becomes one."""
    try:
        told = json.loads(data)
    except ValueError:
        told = data
    return told if isinstance(told, dict) else {"text": data}


class _Steps:
    """Tells of each step's changes once, and what runs now."""

    def __init__(self, show: Progress) -> None:
        self._show = show
        self._told: dict[str, str] = {}
        self._running = ("queued", time.monotonic())

    def update(self, deployment: dict[str, Any]) -> None:
        for step in _steps(deployment):
            name, status = str(step.get("name")), str(step.get("status"))
            if self._told.get(name) == status:
                continue
            self._told[name] = status
            self._show.step(name, status, step.get("seconds"))
            if status == "running":
                self._running = (name, time.monotonic())

    def tick(self) -> None:
        name, since = self._running
        self._show.busy(name, time.monotonic() - since)


def _steps(deployment: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [step for step in deployment.get("steps") or () if isinstance(step, dict)]


def _read_log(client: Client, path: str, lines: "SimpleQueue[str]") -> None:
    try:
        for event in client.stream(path):
            lines.put(str(log_text(event.data).get("text", "")))
    except CliError:
        return


def _drain(lines: "SimpleQueue[str]", show: Progress) -> None:
    while not lines.empty():
        show.log(lines.get())


def _wait(lines: "SimpleQueue[str]", show: Progress, steps: _Steps) -> None:
    """Show lines as they come until it is time to ask again."""
    until = time.monotonic() + ASK_SECONDS
    while time.monotonic() < until:
        steps.tick()
        try:
            show.log(lines.get(timeout=DRAW_SECONDS))
        except Empty:
            continue
