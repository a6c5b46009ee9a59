"""Figures over the API: for charts and for Prometheus."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from paas.live.board import Lease
from tests.integration.api.rig import TOKEN, World

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana-dashboard.json"
PATH = "/v1/services/shop/metrics"


async def busy(paas: World, *statuses: int) -> None:
    """The service with a version that answered so."""
    await paas.deploy()
    (version,) = (await paas.control.services.read("shop")).service.versions
    for status in statuses:
        lease = paas.board.acquire(version.id, lambda _answer: None)
        assert isinstance(lease, Lease)
        lease.status = status
        lease.release()
    paas.board.targets[version.id].counted.error("upstream_timeout")


async def test_charts(paas: World) -> None:
    await busy(paas, 200, 200, 404, 504)
    answer = await paas.call("GET", PATH)
    assert answer.status == 200
    found = answer.json
    assert (found["service"], found["step"]) == ("shop", 10)
    count = len(found["times"])
    total = found["total"]
    rows = [total["requests"], total["in_flight"], total["queued"], total["cpu"], total["memory"]]
    for name in ("classes", "latency", "replicas", "cold_starts", "errors"):
        rows += total[name].values()
    assert {len(row) for row in rows} == {count}
    assert total["requests"][0] is None
    assert sum(one or 0 for one in total["requests"]) == 4
    assert sum(one or 0 for one in total["classes"]["2xx"]) == 2
    assert total["replicas"]["ready"][-1] == 1
    assert found["versions"].keys() == {"shop-001"}
    one = await paas.call("GET", f"{PATH}?version=shop-001&step=60&since=2020-01-01T00:00:00Z")
    assert one.json["step"] >= 900


async def test_what_cannot_be_asked(paas: World) -> None:
    await busy(paas)
    assert (await paas.call("GET", "/v1/services/none/metrics")).status == 404
    assert (await paas.call("GET", PATH + "?version=shop-099")).json["code"] == "no_such_version"
    assert "step" in (await paas.call("GET", PATH + "?step=0")).fields
    assert "since" in (await paas.call("GET", PATH + "?since=yesterday")).fields
    assert (await paas.call("GET", PATH + "?step=1&since=2200-01-01T00:00:00Z")).status == 200


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


async def test_prometheus(paas: World) -> None:
    await busy(paas, 200, 200, 404, 504)
    paas.board.turned_away.of("shop").answered(503)
    answer = await paas.call("GET", "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.text)
    labels = {("service", "shop"), ("version", "shop-001")}
    assert found["paas_requests_total", frozenset(labels | {("class", "2xx")})] == 2
    assert found["paas_errors_total", frozenset(labels | {("code", "upstream_timeout")})] == 1
    assert found["paas_request_seconds_count", frozenset(labels)] == 4
    assert found["paas_replicas", frozenset(labels | {("state", "ready")})] == 1
    assert found["paas_deployments", frozenset({("status", "succeeded")})] == 1
    assert found["process_resident_memory_bytes", frozenset()] > 0
    assert found["paas_disk_free_bytes", frozenset()] > 0
    names = {name for _, pairs in found for name, _ in pairs}
    assert names <= {"service", "version", "class", "code", "state", "status", "le"}
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    openmetrics = await paas.call("GET", "/metrics", headers=accept)
    assert openmetrics.text.endswith("# EOF\n")


async def test_prometheus_needs_a_token_over_tcp(paas: World) -> None:
    assert (await paas.call("GET", "/metrics", session=paas.tcp)).status == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert (await paas.call("GET", "/metrics", session=paas.tcp, headers=headers)).status == 200


async def test_every_metric_of_the_dashboard_exists(paas: World) -> None:
    await busy(paas, 200)
    text = (await paas.call("GET", "/metrics")).text
    known = {
        name
        for family in text_string_to_metric_families(text)
        for name in (
            family.name,
            f"{family.name}_total",
            *(f"{family.name}_{part}" for part in ("bucket", "sum", "count")),
        )
    }
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    ]
    used = {name for one in queries for name in re.findall(r"\b(?:paas|process)_\w+", one)}
    assert len(used) > 10
    assert used <= known


@pytest.mark.parametrize("moment", ["0.5", "1790000000", "2026-05-01", "2026-05-01T12:00:00"])
async def test_a_time_is_written_out_with_its_zone(paas: World, moment: str) -> None:
    await paas.deploy()
    answer = await paas.call("GET", f"/v1/services/shop/metrics?since={moment}")
    assert answer.status == 422
    assert answer.fields == {"since": "must be a time with its zone, such as 2026-05-01T12:00:00Z"}


async def test_versions_that_only_exist_are_not_told(paas: World) -> None:
    """Ten thousand of them would be most of a scrape."""
    await paas.deploy()
    quiet = paas.board.target("quiet-id", service="shop", version="shop-009")
    told = (await paas.call("GET", "/metrics")).text
    assert 'version="shop-001"' in told
    assert 'version="shop-009"' not in told
    quiet.counted.answered(200)
    told = (await paas.call("GET", "/metrics")).text
    assert 'paas_requests_total{class="2xx",service="shop",version="shop-009"} 1.0' in told
