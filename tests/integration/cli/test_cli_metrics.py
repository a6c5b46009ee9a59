"""`paas metrics` and the filters of `paas logs`."""

import json
from typing import Any

from paas.cli.metrics import WIDE, picture
from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Recorded

CALL = "GET /v1/services/shop/metrics"
ROWS: dict[str, Any] = {
    "requests": [None, 10, 20],
    "classes": {
        "none": [None, 0, 0],
        "1xx": [None, 0, 0],
        "2xx": [None, 10, 17],
        "3xx": [None, 0, 0],
        "4xx": [None, 0, 0],
        "5xx": [None, 0, 3],
    },
    "errors": {"no_traffic": [None, 0, 3]},
    "latency": {name: [None, None, 0.25] for name in ("p50", "p95", "p99", "mean")},
    "in_flight": [None, 0.0, 1.5],
    "queued": [None, 0, 0],
    "replicas": {"ready": [None, 1, 2], "frozen": [None, 0, 0], "starting": [None, 0, 0]},
    "cpu": [None, 0.1, 0.25],
    "memory": [None, 1024, 2048],
    "cold_starts": {"count": [None, 1, 0], "milliseconds": [None, 450.0, None]},
}
ANSWER: dict[str, Any] = {
    "service": "shop",
    "since": "2026-05-04T14:00:00.000Z",
    "until": "2026-05-04T14:00:15.000Z",
    "step": 5,
    "times": ["2026-05-04T14:00:00.000Z"] * 3,
    "total": ROWS,
    "versions": {"shop-001": ROWS},
}


def test_figures_are_rows_with_their_shape(daemon: Recorded, cli: Cli) -> None:
    daemon.on(CALL, ANSWER)
    told = cli("metrics", "shop")
    assert told.code == 0
    rows = {line.split("  ")[0]: line for line in told.out.splitlines()}
    assert rows["requests/s"].split() == ["requests/s", "30", "4", "4", "▅█"]
    assert "250" in rows["p99, ms"]
    assert "3" in rows["5xx"].split()
    assert "4xx" not in rows
    assert "2.0 KiB" in rows["memory"]
    assert rows["shop-001"].split() == [
        "shop-001",
        "30",
        "3",
        "250",
        "ms",
        "250",
        "ms",
        "250",
        "ms",
    ]
    assert "no_traffic 3" in told.out


def test_as_json_it_is_what_came(daemon: Recorded, cli: Cli) -> None:
    daemon.on(CALL, ANSWER)
    told = cli("metrics", "shop", "--json", "--version", "1", "--step", "60", "--since", "1d")
    assert json.loads(told.out) == ANSWER
    path = daemon.seen[-1].path
    assert "version=shop-001" in path
    assert "step=60" in path
    assert "since=" in path


def test_an_empty_time_is_no_trouble(daemon: Recorded, cli: Cli) -> None:
    def emptied(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: emptied(one) for key, one in value.items()}
        return [None]

    daemon.on(CALL, ANSWER | {"total": emptied(ROWS) | {"errors": {}}, "versions": {}})
    told = cli("metrics", "shop")
    assert told.code == 0
    assert "VERSION" not in told.out


def test_a_picture_is_bounded_and_knows_what_is_not_known() -> None:
    assert picture([]) == ""
    assert picture([None, 0, 5, 10]) == " ▁▅█"
    assert picture([0, 0]) == "▁▁"
    assert len(picture([1.0] * 1000)) == WIDE


def test_logs_are_searched(daemon: Recorded, cli: Cli) -> None:
    daemon.on("GET /v1/services/shop/logs", {"items": []})
    assert cli("logs", "shop", "--grep", "a&b c", "--stream", "stderr", "--until", "1h").code == 0
    path = daemon.seen[-1].path
    assert "q=a%26b" in path
    assert "stream=stderr" in path
    assert "until=" in path
    assert cli("logs", "shop", "--stream", "other").code == 2
