"""Figures: exact, and still there after a restart."""

from typing import Any

from tests.e2e import apps
from tests.e2e.waiting import until
from tests.e2e.world import World


def figures(world: World, service: str, **query: str) -> dict[str, Any]:
    found = world.api.get(f"/v1/services/{service}/metrics", **query)
    assert found.status == 200, found.text
    return dict(found.json)


def total(row: list[float | None]) -> float:
    return sum(one or 0 for one in row)


def ended(world: World, service: str) -> dict[str, float]:
    classes = figures(world, service)["total"]["classes"]
    return {name: total(row) for name, row in classes.items() if total(row)}


def test_a_known_number_of_requests_is_counted_exactly(shared: World, service: str) -> None:
    shared.deploy(service, "counted")
    shared.deploy(service, "other", traffic="none")
    shared.bodies(service, 150)
    shared.bodies(f"{service}-002", 20)
    for _ in range(7):
        assert shared.get(service, "/missing").status == 404
    assert shared.api.put(f"/v1/services/{service}/traffic", {"split": {}}).status == 200
    for _ in range(3):
        assert shared.get(service).status == 503
    until(lambda: ended(shared, service) == {"2xx": 170, "4xx": 7, "5xx": 3}, "all are counted")
    found = figures(shared, service)
    assert {name: total(rows["requests"]) for name, rows in found["versions"].items()} == {
        f"{service}-001": 157,
        f"{service}-002": 20,
    }
    assert total(found["total"]["errors"]["no_traffic"]) == 3
    assert 0 < max(one or 0 for one in found["total"]["latency"]["p99"]) < 5
    assert total(found["total"]["cold_starts"]["count"]) == 2
    text = shared.api.get("/metrics").text
    sample = f'paas_requests_total{{class="2xx",service="{service}",version="{service}-001"}} 150.0'
    assert sample in text


def test_figures_survive_a_restart(own: World) -> None:
    service = World.name()
    own.deploy(service, "kept")
    own.bodies(service, 30)
    own.daemon.terminate()
    own.daemon.start()
    kept = figures(own, service, step="60")
    assert total(kept["total"]["requests"]) == 30
    assert None in kept["total"]["requests"]
    own.bodies(service, 12)
    own.daemon.restart()
    found = figures(own, service, step="60")["total"]
    assert total(found["requests"]) == 30  # what is younger than a minute went with the process
    assert found["queued"][-1] == 0


def test_a_crash_tells_its_code_and_its_last_lines(shared: World, service: str) -> None:
    script = "httpd -f -p $PORT -h /www & sleep 2; echo going down; exit 7"
    shared.succeed(service, apps.program(script, files={"www/index.html": "x"}))
    (event,) = until(lambda: shared.events(service, "replica.failed"), "the crash is told")
    assert event["data"]["exit_code"] == 7
    assert event["data"]["oom_killed"] is False
    assert "going down" in event["data"]["log"]
    logs = f"/v1/services/{service}/logs"

    def lines() -> list[tuple[str, str]]:
        return [(one["stream"], one["text"]) for one in shared.api.items(logs)]

    marker = ("paas", "[the program ended with exit code 7]")
    found = until(lambda: marker in lines() and lines(), "the marker")
    assert found.index(("stdout", "going down")) < found.index(marker)
    only = shared.api.get(logs, q="GOING").json["items"]
    assert {one["text"] for one in only} == {"going down"}
