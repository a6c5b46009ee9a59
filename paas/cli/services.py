"""Commands about whole services: list, settings, deployments, delete, open."""

import sys
from typing import Any

import click

from paas.cli import settings
from paas.cli.app import App, common
from paas.cli.client import SLOW_SECONDS, segment
from paas.cli.output import age, moment, safe, seconds
from paas.cli.request import pairs
from paas.cli.trouble import CliError


@click.command()
@click.argument("words", nargs=-1, metavar="[SERVICE | set SERVICE KEY=VALUE...]")
@common
def services(app: App, words: tuple[str, ...]) -> None:
    """List services, show one, or change its settings.

    Settings: auto_prune, sticky, redirect_https and request_log (true or false); hsts
    (seconds, 0 for off); freeze_after and stop_after (seconds, 0 for never, `default` for
    the host's setting); main_domain (a name, or `none`); basic_auth (USER, which asks for
    the password, USER:PASSWORD, or `none`); allow (networks with commas, or `none`);
    maintenance (off, page or hold); body_limit (bytes or a size, 0 for none); ignore (what
    is no traffic: /PATH, agent:TEXT, or both with a + between them, +status:CODE for the
    answer while it sleeps; rules with commas, or `none`); repository (a URL, or `none`;
    `paas hooks setup` knows branch and tags); branch (the one whose pushes are deployed, or
    `none` for main or master).

    Examples:
      paas services
      paas services shop
      paas services set shop auto_prune=true stop_after=7200
      paas services set shop allow=10.0.0.0/8,203.0.113.7 basic_auth=ann
      paas services set shop ignore=/healthz,agent:UptimeRobot+status:204
      paas services set shop branch=release

    """
    client = app.client()
    if len(words) > 2 and words[0] == "set":
        body = settings.body(pairs(words[2:], "set"), ask=_ask)
        answer = client.call("PATCH", _path(words[1]), body=body)
        _show_service(app, answer)
    elif len(words) > 1:
        raise CliError("Give one service, or `set SERVICE KEY=VALUE`.")
    elif words:
        _show_service(app, client.get(_path(words[0])))
    else:
        _list_services(app, client.get("/v1/services"))


@click.command()
@click.argument("service")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@common
def deployments(app: App, service: str, limit: int) -> None:
    """List a service's deployments, the newest first.

    Examples:
      paas deployments shop
      paas logs --deployment ID

    """
    answer = app.client().get(_path(service) + "/deployments", limit=limit)
    if app.json:
        app.out.json(answer)
        return
    app.out.table(
        ("DEPLOYMENT", "VERSION", "STATUS", "TOOK", "WHEN", "BY", "ERROR"),
        [
            (
                item["id"],
                item["version"],
                item["status"],
                seconds(sum(step.get("seconds") or 0.0 for step in item.get("steps") or ())),
                moment(item.get("created")),
                item.get("actor") or "",
                (item.get("error") or {}).get("message", ""),
            )
            for item in answer["items"]
        ],
    )


@click.command()
@click.argument("deployment")
@common
def cancel(app: App, deployment: str) -> None:
    """Cancel a deployment that is queued or running; the traffic stays where it is.

    Example:
      paas cancel 4f1c0a2b

    """
    path = f"/v1/deployments/{segment(deployment)}/cancel"
    answer = app.client().call("POST", path, timeout=SLOW_SECONDS)
    if app.json:
        app.out.json(answer)
    else:
        app.out.line(f"The deployment of {safe(answer['version'])} is being cancelled.")


@click.command()
@click.argument("service")
@click.argument("version", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete(app: App, service: str, version: str | None, **options: bool) -> None:
    """Delete a service with all it has, or one VERSION without traffic.

    Examples:
      paas delete shop
      paas delete shop shop-003 --yes
      paas delete shop 3 --yes

    """
    from paas.cli.versions import full_name  # noqa: PLC0415 (only here)

    name = full_name(service, version) if version else service
    client = app.client()
    path = _path(service) + (f"/versions/{segment(name)}" if version else "")
    client.get(path)
    if not options["yes"]:
        _confirm(name, "version" if version else "service with all its versions and domains")
    query = None if version else {"confirm": service}
    client.call("DELETE", path, query=query, timeout=SLOW_SECONDS)
    if app.json:
        app.out.json({"deleted": name})
    else:
        app.out.line(f"Deleted {safe(name)}.")


@click.command("open")
@click.argument("service")
@common
def open_command(app: App, service: str) -> None:
    """Print a service's URL, and open it where there is a display.

    Example:
      paas open shop

    """
    urls = app.client().get(_path(service)).get("urls") or []
    if app.json:
        app.out.json({"urls": urls})
        return
    if not urls:
        raise CliError(
            f"{service} has no address.", advice="The proxy listens nowhere: set proxy.http."
        )
    app.out.line(safe(urls[0]))
    if sys.platform == "darwin" or app.environ.get("DISPLAY") or app.environ.get("WAYLAND_DISPLAY"):
        import webbrowser  # noqa: PLC0415 (only with a display)

        webbrowser.open(urls[0])


def _path(service: str) -> str:
    return f"/v1/services/{segment(service)}"


def _ask(user: str) -> str:
    """A password, without echo on a terminal, else the next line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(f"Password of {user}", hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\n")


def _list_services(app: App, answer: dict[str, Any]) -> None:
    if app.json:
        app.out.json(answer)
        return
    if not answer["items"]:
        app.out.line("There are no services yet. `paas deploy PATH` makes one.")
        return
    app.out.table(
        ("SERVICE", "STATE", "TRAFFIC", "URL", "LAST DEPLOYMENT"),
        [
            (
                item["name"],
                item.get("state") or "",
                _split(item),
                next(iter(item.get("urls") or ()), ""),
                _last(item),
            )
            for item in answer["items"]
        ],
    )


def _show_service(app: App, item: dict[str, Any]) -> None:
    if app.json:
        app.out.json(item)
        return
    facts = {
        "service": item["name"],
        "state": item.get("state"),
        "traffic": _split(item),
        "urls": "  ".join(item.get("urls") or ()),
        "internal": item.get("internal_address"),
        "created": moment(item.get("created")),
        "last deployment": _last(item),
    } | settings.shown(item)
    for key, value in facts.items():
        app.out.line(f"{key:<16} {safe(str(value or '-'))}")


def _split(item: dict[str, Any]) -> str:
    split = item.get("split") or {}
    return " ".join(f"{name}={weight}" for name, weight in split.items() if weight)


def _last(item: dict[str, Any]) -> str:
    last = item.get("last_deployment") or {}
    return f"{last['version']} {last['status']} {age(last.get('created'))} ago" if last else ""


def _confirm(name: str, what: str) -> None:
    if not sys.stdin.isatty():
        raise CliError("Deleting needs a confirmation.", advice="Add --yes to delete it.")
    typed = click.prompt(f"This deletes the {what}. Type {name} to go on", err=True)
    if typed.strip() != name:
        raise CliError("Not confirmed: nothing was deleted.", code="not_confirmed")
