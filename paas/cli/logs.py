"""Commands that read what happened: output, deployment logs, events."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import Client, segment
from paas.cli.follow import log_text
from paas.cli.output import moment, safe
from paas.cli.trouble import CliError
from paas.cli.versions import full_name

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@click.command()
@click.argument("service", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until interrupted.")
@click.option("--version", metavar="VERSION", help="Only this version.")
@click.option("--replica", metavar="ID", help="Only this replica.")
@click.option("--since", metavar="TIME", help="An RFC 3339 time, or an age such as 10m, 2h, 1d.")
@click.option("--until", metavar="TIME", help="Only lines before that time or age.")
@click.option("--grep", metavar="TEXT", help="Only lines with that text, in any case.")
@click.option("--stream", type=click.Choice(["stdout", "stderr", "paas"]), help="Only this one.")
@click.option("--limit", type=click.IntRange(1, 1000), help="At most the last LIMIT lines.")
@click.option("--deployment", metavar="ID", help="A deployment's log instead.")
@common
def logs(app: App, service: str | None, deployment: str | None, **options: Any) -> None:
    """Show what SERVICE's replicas wrote, also of those that are gone.

    Examples:
      paas logs shop
      paas logs shop -f --version 3
      paas logs shop --since 10m --grep timeout
      paas logs --deployment 4f1c0a2b

    """
    if bool(service) == bool(deployment):
        raise CliError("Give a service, or --deployment ID.")
    version = options["version"]
    query = {
        "version": full_name(service, version) if service and version else None,
        "replica": options["replica"],
        "stream": options["stream"],
        "q": options["grep"],
        "since": since(options["since"], datetime.now(UTC)),
        "until": since(options["until"], datetime.now(UTC)),
        "limit": options["limit"],
    }
    if deployment:
        path, query = f"/v1/deployments/{segment(deployment)}/log", {"limit": options["limit"]}
    else:
        path = f"/v1/services/{segment(service or '')}/logs"
    client = app.client()
    if options["follow"]:
        for event in client.stream(path, **query):
            _show_line(app, log_text(event.data), plain=bool(deployment))
    else:
        _show_all(app, client, path, query)


@click.command()
@click.argument("service", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@common
def events(app: App, service: str | None, limit: int) -> None:
    """Show what happened to SERVICE (or to all), with actor and reason; the newest last.

    Examples:
      paas events
      paas events shop --limit 200

    """
    path = f"/v1/services/{segment(service)}/events" if service else "/v1/events"
    answer = app.client().get(path, limit=limit)
    if app.json:
        app.out.json(answer)
        return
    for item in reversed(answer["items"]):
        what = item.get("version") or item.get("service") or ""
        app.out.line(
            f"{app.out.paint('dim', moment(item.get('time')))}  {safe(str(item.get('kind'))):<22} "
            f"{safe(what):<16} {safe(str(item.get('message')))}"
            f"{app.out.paint('dim', '  by ' + safe(str(item.get('actor') or '?')))}"
        )


def since(text: str | None, now: datetime) -> str | None:
    """An age or a time as an RFC 3339 time. Raises `CliError`."""
    if text is None:
        return None
    age = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if age:
        then = now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    else:
        try:
            then = datetime.fromisoformat(text)
        except ValueError as error:
            raise CliError(
                f"{text!r} is neither a time nor an age.",
                advice="Write 10m, 2h, 1d or 2026-05-01T12:00:00Z.",
            ) from error
        then = then.astimezone(UTC)
    return then.isoformat().replace("+00:00", "Z")


def _show_all(app: App, client: Client, path: str, query: dict[str, Any]) -> None:
    answer = client.get(path, **query)
    if app.json:
        app.out.json(answer)
        return
    for item in answer["items"]:
        _show_line(app, item, plain="version" not in query)


def _show_line(app: App, item: dict[str, Any], *, plain: bool) -> None:
    if app.json:
        app.out.line(_compact(item))
        return
    text = safe(str(item.get("text", "")))
    if plain:
        app.out.line(text)
        return
    origin = " ".join(
        filter(None, (str(item.get("version") or ""), str(item.get("replica") or "")[:8]))
    )
    head = f"{moment(item.get('time'))} {safe(origin)}"
    app.out.line(f"{app.out.paint('dim', head)}  {text}")


def _compact(item: dict[str, Any]) -> str:
    import json  # noqa: PLC0415 (only for streams as JSON)

    return json.dumps(item)
