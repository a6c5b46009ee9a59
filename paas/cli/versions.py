"""Commands about versions: list, show with replicas."""

from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import Client, segment
from paas.cli.output import age, moment, safe, seconds, size
from paas.core.names import version_name


def full_name(service: str, version: str) -> str:
    """`1`, `001` → `shop-001`; a full name stays as it is."""
    if version.isascii() and version.isdigit():
        return version_name(service, int(version))
    return version


@click.command()
@click.argument("service", required=False)
@click.argument("version", required=False)
@common
def versions(app: App, service: str | None, version: str | None) -> None:
    """List the versions of SERVICE (or of all), or show one VERSION with its replicas.

    Examples:
      paas versions
      paas versions shop
      paas versions shop 3

    """
    client = app.client()
    if service and version:
        _show_version(app, client, service, full_name(service, version))
        return
    names = [service] if service else [item["name"] for item in client.get("/v1/services")["items"]]
    found: list[dict[str, Any]] = []
    for name in names:
        found += client.get(f"/v1/services/{segment(name)}/versions")["items"]
    if app.json:
        app.out.json({"items": found})
        return
    app.out.table(
        ("VERSION", "STATUS", "RUNS", "WEIGHT", "REPLICAS", "AGE", "NOTE"), map(_row, found)
    )


def _path(service: str, version: str) -> str:
    return f"/v1/services/{segment(service)}/versions/{segment(version)}"


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        item["name"],
        item["status"],
        item.get("condition") or "",
        f"{item.get('weight') or 0} %",
        _replica_count(item),
        age(item.get("created")),
        item.get("note") or "",
    )


def _replica_count(item: dict[str, Any]) -> object:
    """Replicas are a range (settings) and perhaps a list (what runs)."""
    running = item.get("running_replicas", item.get("replicas"))
    if isinstance(running, list):
        return len(running)
    if isinstance(running, dict):
        return f"{running.get('min', 0)}–{running.get('max', '')}"
    return running if running is not None else ""


def _show_version(app: App, client: Client, service: str, version: str) -> None:
    item = client.get(_path(service, version))
    running = client.get(_path(service, version) + "/replicas")["items"]
    if app.json:
        app.out.json(item | {"running": running})
        return
    facts = {
        "version": item["name"],
        "status": " ".join(filter(None, (item["status"], item.get("condition")))),
        "weight": f"{item.get('weight') or 0} %",
        "image": item.get("image"),
        "port": item.get("port"),
        "internal": item.get("internal_address"),
        "urls": "  ".join(item.get("urls") or ()),
        "created": moment(item.get("created")),
        "note": item.get("note"),
    }
    for key, value in facts.items():
        app.out.line(f"{key:<10} {safe(str(value or '-'))}")
    error = item.get("failure") or item.get("error")
    if error:
        app.out.line(app.out.paint("red", f"{'error':<10} {safe(str(error.get('message')))}"))
    app.out.line()
    _replica_table(app, running)


def _replica_table(app: App, running: list[dict[str, Any]]) -> None:
    if not running:
        app.out.line("No replica runs now; a request starts one.")
        return
    app.out.table(
        ("REPLICA", "STATE", "ADDRESS", "UP", "CPU", "MEMORY", "IN FLIGHT"),
        [
            (
                str(replica["id"])[:12],
                replica["state"],
                replica.get("address") or "",
                age(replica.get("started")) if replica.get("started") else "",
                seconds(replica.get("cpu")),
                size(replica.get("memory")),
                replica.get("in_flight") or 0,
            )
            for replica in running
        ],
    )
