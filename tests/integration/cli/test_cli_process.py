"""The command line as a process of its own: signals, terminals, closed pipes."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.integration.cli.recorded import Answer, Recorded

RUNNING = {"id": "d1", "service": "shop", "version": "shop-001", "status": "running", "steps": []}
COMMAND = [sys.executable, "-m", "paas"]


def environ(data: Path) -> Mapping[str, str]:
    return os.environ | {"PAAS_DATA_DIR": str(data), "TERM": "xterm"}


def read_until(descriptor: int, *marks: bytes) -> bytes:
    """What comes from a terminal until all marks were seen; fails after 20 s."""
    seen, until = b"", time.monotonic() + 20
    while not all(mark in seen for mark in marks):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        assert ready, seen
        seen += os.read(descriptor, 4096)
    return seen


def test_interrupting_a_deployment_says_how_to_cancel_it(daemon: Recorded, data: Path) -> None:
    daemon.on("POST /v1/services/shop/deployments", Answer(status=202, body=RUNNING))
    daemon.on("GET /v1/deployments/d1", RUNNING)
    line = json.dumps({"text": "compiling"})
    daemon.on("GET /v1/deployments/d1/log", Answer(events=(f"id: 1\ndata: {line}\n\n",)))
    master, slave = pty.openpty()
    try:
        with subprocess.Popen(
            [*COMMAND, "deploy", "--image", "shop"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ(data),
        ) as process:
            read_until(master, b"compiling", b"queued")
            process.send_signal(signal.SIGINT)
            told = read_until(master, b"paas cancel d1", b"goes on")
            assert process.wait(timeout=10) == 130
    finally:
        os.close(slave)
        os.close(master)
    assert b"Traceback" not in told
    assert daemon.calls("POST")[0].path.endswith("/deployments")
    assert len(daemon.calls("POST")) == 1


def test_a_deletion_is_confirmed_by_typing_the_name(daemon: Recorded, data: Path) -> None:
    daemon.on("GET /v1/services/shop", {"name": "shop"})
    daemon.on("DELETE /v1/services/shop", Answer(status=204))
    for typed, code in ((b"shap\n", 2), (b"shop\n", 0)):
        master, slave = pty.openpty()
        try:
            with subprocess.Popen(
                [*COMMAND, "delete", "shop"],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environ(data),
            ) as process:
                read_until(master, b"Type shop to go on")
                os.write(master, typed)
                assert process.wait(timeout=10) == code
        finally:
            os.close(slave)
            os.close(master)
    assert len(daemon.calls("DELETE")) == 1


def test_a_reader_that_goes_away_is_no_error(daemon: Recorded, data: Path) -> None:
    items = [{"text": "x" * 500, "time": "2026-05-01T12:00:00Z"} for _ in range(2000)]
    daemon.on("GET /v1/services/shop/logs", {"items": items})
    with subprocess.Popen(
        [*COMMAND, "logs", "shop"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ(data),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(timeout=10) == 0
