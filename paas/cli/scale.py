"""`paas scale`: how a version scales, shown and changed."""

import re
from collections.abc import Mapping
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import Client, segment
from paas.cli.output import safe, seconds
from paas.cli.trouble import CliError
from paas.cli.versions import full_name

RULES = ("rps", "concurrency", "cpu", "memory")
_UNITS = {
    "rps": "{:g} requests a second",
    "concurrency": "{:g} requests in flight",
    "cpu": "{:g} % of its CPU",
    "memory": "{:g} % of its memory",
}
_VERSION = re.compile(r"(?P<service>[a-z][a-z0-9-]*?)-[0-9]{3,}", re.ASCII)
_SCHEDULE = re.compile(r"\s*([0-9]+)\s*:\s*(.+?)\s*\.\.\s*([^@]+?)\s*(?:@\s*(\S+)\s*)?", re.ASCII)


def _target(_: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """A rule's target per replica; 0.0 for `off`, None when it is not named."""
    if value is None or value == "off":
        return None if value is None else 0.0
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise click.BadParameter(f"{value!r} is no number above 0, and not `off`.", param=option)
    return number


_OPTIONS = (
    click.option("--min", "minimum", type=click.IntRange(0), help="Fewest replicas."),
    click.option("--max", "maximum", type=click.IntRange(1), help="Most replicas."),
    click.option("--rps", callback=_target, metavar="X|off", help="Requests a second per replica."),
    click.option(
        "--concurrency", callback=_target, metavar="X|off", help="Requests in flight per replica."
    ),
    click.option("--cpu", callback=_target, metavar="%|off", help="Of a replica's cores."),
    click.option("--memory", callback=_target, metavar="%|off", help="Of a replica's memory."),
    click.option(
        "--limit",
        type=click.IntRange(0),
        help="Most requests in flight per replica; others wait. 0 for no limit.",
    ),
    click.option(
        "--delay",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help="Replicas go only after so long without need.",
    ),
    click.option(
        "--schedule",
        multiple=True,
        metavar='"N: START .. END [@ ZONE]"',
        help="At least N replicas between two cron times. Repeatable; replaces all there are.",
    ),
    click.option("--no-schedules", is_flag=True, help="Remove all schedules."),
    click.option("--note", help="Shown in the list of versions."),
)


def _with_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command()
@click.argument("service", metavar="SERVICE[/VERSION]")
@click.argument("version", required=False)
@_with_options
@common
def scale(app: App, service: str, version: str | None, **options: Any) -> None:
    """Show how a version scales, or change it; takes effect at once.

    Without a version the one that has all traffic is meant. Rules that are not
    named stay as they are; the one that asks for most replicas wins.

    Examples:
      paas scale shop
      paas scale shop --min 1 --max 4
      paas scale shop/3 --rps 100 --cpu 70 --concurrency off
      paas scale shop-003 --schedule "2: 0 8 * * mon-fri .. 0 20 * * mon-fri @ Europe/Berlin"

    """
    if options["schedule"] and options["no_schedules"]:
        raise CliError("Give --schedule or --no-schedules, not both.")
    schedules = [parse_schedule(text) for text in options["schedule"]]
    client = app.client()
    item = _meant(client, service, version)
    changes = _changes(item, options, schedules)
    if changes:
        path = f"/v1/services/{segment(item['service'])}/versions/{segment(item['name'])}"
        item = client.call("PATCH", path, body=changes)
    if app.json:
        app.out.json(item)
    else:
        _show(app, item)


def parse_schedule(text: str) -> dict[str, object]:
    """`2: 0 8 * * mon-fri .. 0 20 * * mon-fri @ Europe/Berlin`. Raises `CliError`."""
    found = _SCHEDULE.fullmatch(text)
    if found is None:
        raise CliError(
            f"{text!r} is no schedule.",
            advice='For example: --schedule "2: 0 8 * * mon-fri .. 0 20 * * mon-fri '
            '@ Europe/Berlin", at least 2 replicas on weekdays from 8 to 20.',
        )
    minimum, start, end, zone = found.groups()
    return {"min": int(minimum), "start": start, "end": end} | ({"zone": zone} if zone else {})


def _meant(client: Client, service: str, version: str | None) -> dict[str, Any]:
    """The version as the API has it. Raises `CliError` when none is named and no one is
    meant.
    """
    service, slash, named = service.partition("/")
    if slash and version:
        raise CliError("Name the version once.")
    version = named or version
    found = _VERSION.fullmatch(service)
    if version is None and found is not None:
        service, version = found["service"], service
    path = f"/v1/services/{segment(service)}/versions"
    if version is not None:
        item: dict[str, Any] = client.get(f"{path}/{segment(full_name(service, version))}")
        return item
    return _only(service, client.get(path)["items"])


def _only(service: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    weighted = [item for item in items if item.get("weight")] or items
    if len(weighted) == 1:
        return weighted[0]
    if not items:
        raise CliError(f"{service} has no version yet.", advice="Deploy one first.")
    names = ", ".join(f"{item['name']} ({item.get('weight') or 0} %)" for item in weighted)
    raise CliError(
        f"Which version of {service}? {names}.",
        advice=f"Name one, for example: paas scale {service}/{weighted[-1]['number']}",
    )


def _changes(
    item: Mapping[str, Any], options: Mapping[str, Any], schedules: list[dict[str, object]]
) -> dict[str, Any]:
    """What the API is asked to change. It replaces rules as a whole, so those that are not
    named go with the others.
    """
    simple = {"note": options["note"], "concurrency": options["limit"]}
    changes: dict[str, Any] = {key: value for key, value in simple.items() if value is not None}
    bounds = {"min": options["minimum"], "max": options["maximum"]}
    replicas: dict[str, Any] = {key: value for key, value in bounds.items() if value is not None}
    if schedules or options["no_schedules"]:
        replicas["schedules"] = schedules
    if replicas:
        changes["replicas"] = replicas
    scaling: dict[str, Any] = {}
    if any(options[rule] is not None for rule in RULES):
        wanted = {rule: options[rule] for rule in RULES if options[rule] is not None}
        scaling = {rule: (item["scaling"] | wanted)[rule] or None for rule in RULES}
    if options["delay"] is not None:
        scaling["scale_down_delay"] = options["delay"]
    return changes | ({"scaling": scaling} if scaling else {})


def _show(app: App, item: Mapping[str, Any]) -> None:
    replicas, rules = item["replicas"], item["scaling"]
    limit, delay = item["concurrency"], rules["scale_down_delay"]
    facts = [
        ("version", f"{item['name']}  {item.get('weight') or 0} % of the traffic"),
        ("replicas", f"{replicas['min']} to {replicas['max']}"),
    ]
    facts += [("schedule", _schedule(one)) for one in replicas["schedules"]]
    facts += [
        ("rule", _UNITS[rule].format(rules[rule]) + " per replica")
        for rule in RULES
        if rules[rule] is not None
    ]
    facts += [
        ("limit", f"{limit} requests in flight per replica" if limit else "none"),
        ("delay", f"{seconds(delay)} before fewer replicas run" if delay else "none"),
    ]
    for key, value in facts:
        app.out.line(f"{key:<10} {safe(value)}")


def _schedule(one: Mapping[str, Any]) -> str:
    return f"at least {one['min']}: {one['start']} .. {one['end']} @ {one['zone']}"
