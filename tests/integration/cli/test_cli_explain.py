"""`paas explain`: an explanation laid out for people, or as it came."""

import json
from copy import deepcopy
from typing import Any

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Recorded

CALL = "GET /v1/services/shop/explain"
AT = "2026-05-04T14:02:00.000Z"
RULE = {"rule": "rps", "window": "stable", "wanted": 2, "reason": "62 rps over 60 s → 2"}
PANIC = RULE | {"window": "panic", "wanted": 1, "reason": "10 rps over 6 s → 1"}
VERSION: dict[str, Any] = {
    "name": "shop-001",
    "status": "ready",
    "condition": "serving",
    "weight": 100,
    "summary": "shop-001 runs 2 replicas because 62 rps over 60 s → 2.",
    "replicas": {"starting": 0, "ready": 2, "frozen": 0, "draining": 0, "stopped": 0},
    "decision": {
        "count": 3,
        "wanted": 2,
        "limited_by": ["min"],
        "in_panic": True,
        "answer": RULE,
        "answers": [RULE, PANIC],
    },
    "settings": {
        "min": 3,
        "min_reason": "at least 3 until Mon 20:00 (UTC)",
        "max": 10,
        "freeze_after": 300.0,
        "stop_after": 0,
    },
    "awake": {
        "reason": "a stream or WebSocket is open",
        "requests": [
            {
                "kind": "websocket",
                "client": "203.0.113.9",
                "since": AT,
                "method": "GET",
                "path": "/live\x1b[2J",
                "queued": False,
            },
            {
                "kind": "request",
                "client": "192.0.2.7",
                "since": AT,
                "method": "GET",
                "path": "/",
                "queued": True,
            },
        ],
    },
    "sleep": {"idle_since": None, "freezes_at": None, "stops_at": None},
    "queue": {"waiting": 1, "oldest": 1.5, "limit": 800, "wait_limit": 10.0},
    "starts": {"failures": 1, "next_try": AT, "no_memory": False},
    "cold_starts": [
        {
            "time": AT,
            "kind": "replica.started",
            "seconds": 0.4,
            "phases": {"queue": 0.001, "create": 0.05, "start": 0.32, "connect": 0.029},
        }
    ],
    "failures": [
        {
            "time": AT,
            "kind": "replica.failed",
            "code": "exited",
            "message": "It ended.",
            "advice": "Read its log.",
            "log": [f"line {number}" for number in range(9)],
        }
    ],
}
ANSWER = {
    "service": "shop",
    "maintenance": "off",
    "versions": [VERSION],
    "request_log": True,
    "errors": [],
}


def words(cli: Cli, daemon: Recorded, **fields: Any) -> str:
    daemon.on(CALL, ANSWER | fields)
    ran = cli("explain", "shop")
    assert ran.code == 0, ran.err
    return ran.out


def test_all_there_is_to_tell(cli: Cli, daemon: Recorded) -> None:
    out = words(cli, daemon)
    head, first, *rest = out.splitlines()
    assert (head, first) == ("shop-001  100 %", f"  {VERSION['summary']}")
    facts = [line.split(maxsplit=1) for line in rest if line]
    assert ["replicas", "2 ready"] in facts
    assert ["wanted", "3, from 2 by min, in panic"] in facts
    assert ["rule", "62 rps over 60 s → 2 (wins)"] in facts
    assert ["rule", "10 rps over 6 s → 1 (panic)"] in facts
    assert "settings     min 3 (at least 3 until Mon 20:00 (UTC)), max 10; idle: frozen" in out
    assert "frozen after 5 min 0 s, never stopped" in out
    assert ["sleep", "neither freezes nor stops as it is now"] in facts
    assert ["queue", "1 of 800, the oldest for 1.5 s; each waits at most 10 s"] in facts
    assert "open         WebSocket from 203.0.113.9 since" in out
    assert "GET /live\\x1b[2J\n" in out
    assert "GET /, waits for a replica\n" in out
    assert "started in 400 ms (queue 1, create 50, start 320, connect 29)" in out
    assert "exited: It ended." in out
    assert "Read its log." in out
    assert "| line 8" in out
    assert "line 3" not in out


def test_a_version_that_sleeps_without_traffic_is_told_in_one_line(
    cli: Cli, daemon: Recorded
) -> None:
    asleep = deepcopy(VERSION) | {
        "weight": 0,
        "summary": "shop-001 is at zero: the next request starts it.",
        "replicas": dict.fromkeys(VERSION["replicas"], 0),
        "decision": None,
        "cold_starts": [],
        "failures": [],
    }
    out = words(cli, daemon, versions=[asleep])
    assert out == "shop-001  0 %\n  shop-001 is at zero: the next request starts it.\n\n"
    out = words(cli, daemon, versions=[asleep | {"weight": 100}])
    assert "replicas     none\n  wanted       none\n" in out


def test_when_it_goes_to_sleep(cli: Cli, daemon: Recorded) -> None:
    sleep = {"idle_since": AT, "freezes_at": "2026-05-04T14:07:00.000Z", "stops_at": None}
    out = words(cli, daemon, versions=[VERSION | {"sleep": sleep}])
    assert "sleep        idle for " in out
    assert ", freezes at 2026-05-0" in out


def test_error_answers(cli: Cli, daemon: Recorded) -> None:
    error = {
        "status": 503, "error": "start_timeout", "time": AT, "client": "192.0.2.7",
        "method": "GET", "target": "/\x1b", "version": "shop-001", "waited": 10.0,
    }  # fmt: skip
    out = words(cli, daemon, errors=[error], maintenance="hold")
    assert "503 start_timeout" in out
    assert "GET /\\x1b" in out
    assert out.startswith("Maintenance is on (hold).\n")
    assert "paas services set shop request_log=true" in words(cli, daemon, request_log=False)


def test_as_json_and_without_versions(cli: Cli, daemon: Recorded) -> None:
    assert "shop has no version yet." in words(cli, daemon, versions=[])
    daemon.on(CALL, ANSWER)
    assert json.loads(cli("explain", "shop", "--json").out) == ANSWER
    assert cli("explain", "none").code == 4
