"""Commands about who may come in: API tokens, and users of the console."""

import re
import sys
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import segment
from paas.cli.output import age, moment, safe
from paas.cli.trouble import CliError

SCOPES = ("read", "deploy", "admin")

_TIME = re.compile(r"([0-9]{1,9})([smhdw]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@click.group(invoke_without_command=True)
@common
def token(app: App) -> None:
    """List API tokens, make one, or revoke one.

    A token is shown once, when it is made. Scopes: read; deploy, which also deploys and
    moves traffic; admin, which also changes settings and deletes. With --service it reaches
    that service alone.

    Examples:
      paas token
      paas token create ci --scope deploy --service shop --expires 90d
      paas token revoke tok_1f0c22ab34cd56ef

    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    answer = app.client().get("/v1/tokens")
    if app.json:
        app.out.json(answer)
        return
    if not answer["items"]:
        app.out.line("No tokens but the first one, in admin.token. `paas token create` makes one.")
        return
    app.out.table(
        ("TOKEN", "NAME", "SCOPE", "SERVICE", "EXPIRES", "LAST USED", "MADE BY", "NOTE"),
        map(_token_row, answer["items"]),
    )


@token.command("create")
@click.argument("name")
@click.option("--scope", type=click.Choice(SCOPES), required=True, help="What it may do.")
@click.option("--service", help="Bind it to this service.")
@click.option("--expires", metavar="TIME", help="How long it lives: 30d, 12h; else for ever.")
@click.option("--note", default="", help="What it is for.")
@common
def create_token(app: App, name: str, **options: Any) -> None:
    """Make the token NAME and show it, this once.

    Example:
      paas token create ci --scope deploy --service shop --expires 30d

    """
    body = {"name": name, "scope": options["scope"], "note": options["note"]}
    if options["service"]:
        body["service"] = options["service"]
    if options["expires"]:
        body["expires_in"] = lifetime(options["expires"])
    answer = app.client().call("POST", "/v1/tokens", body=body)
    if app.json:
        app.out.json(answer)
        return
    app.out.note(f"The token {safe(answer['name'])} ({safe(answer['id'])}). It is not shown again:")
    app.out.line(safe(answer["token"]))


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@common
def revoke_token(app: App, token_id: str) -> None:
    """Refuse the token ID from now on.

    Example:
      paas token revoke tok_1f0c22ab34cd56ef

    """
    app.client().call("DELETE", f"/v1/tokens/{segment(token_id)}")
    _done(app, {"revoked": token_id}, f"Revoked {safe(token_id)}.")


@click.group(invoke_without_command=True)
@common
def user(app: App) -> None:
    """List users of the console, add or delete one, or set a password.

    The password is asked for, or read from standard input. A new one ends the user's
    sessions.

    Examples:
      paas user
      paas user add ann --role deploy
      paas user password ann
      paas user delete ann

    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    answer = app.client().get("/v1/users")
    if app.json:
        app.out.json(answer)
        return
    if not answer["items"]:
        app.out.line("There are no users yet. `paas user add NAME --role admin` makes one.")
        return
    app.out.table(
        ("USER", "ROLE", "SERVICE", "SINCE", "MADE BY"),
        [
            (
                item["name"],
                item["role"],
                item.get("service") or "",
                moment(item.get("created")),
                item.get("creator") or "",
            )
            for item in answer["items"]
        ],
    )


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(SCOPES), required=True, help="What the user may do.")
@click.option("--service", help="Let the user see this service alone.")
@common
def add_user(app: App, name: str, **options: str | None) -> None:
    """Add the user NAME; the password is asked for.

    Example:
      paas user add ann --role deploy

    """
    body = {"name": name, "role": options["role"], "password": _password(name)}
    if options["service"]:
        body["service"] = options["service"]
    answer = app.client().call("POST", "/v1/users", body=body)
    _done(app, answer, f"Added {safe(name)}.")


@user.command("password")
@click.argument("name")
@common
def set_password(app: App, name: str) -> None:
    """Give the user NAME another password; all the user's sessions end.

    Example:
      paas user password ann

    """
    body = {"password": _password(name)}
    answer = app.client().call("PATCH", f"/v1/users/{segment(name)}", body=body)
    _done(app, answer, f"Changed. The sessions of {safe(name)} have ended.")


@user.command("delete")
@click.argument("name")
@common
def delete_user(app: App, name: str) -> None:
    """Delete the user NAME; all the user's sessions end.

    Example:
      paas user delete ann

    """
    app.client().call("DELETE", f"/v1/users/{segment(name)}")
    _done(app, {"deleted": name}, f"Deleted {safe(name)}.")


def lifetime(text: str) -> int:
    """`30d`, `12h`, `90` → seconds. Raises `CliError`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise CliError(f"{text!r} is no length of time.", advice="For example: 30d, 12h or 3600.")
    return int(match[1]) * _UNITS[match[2]]


def _done(app: App, answer: dict[str, Any], text: str) -> None:
    if app.json:
        app.out.json(answer)
    else:
        app.out.line(text)


def _token_row(item: dict[str, Any]) -> tuple[object, ...]:
    used = item.get("last_used")
    return (
        item["id"],
        item["name"],
        item["scope"],
        item.get("service") or "all",
        moment(item.get("expires")) or "never",
        f"{age(used)} ago" if used else "never",
        item.get("creator") or "",
        item.get("note") or "",
    )


def _password(name: str) -> str:
    """Twice and without echo on a terminal, else the next line of standard input."""
    if sys.stdin.isatty():
        prompt = f"Password of {name}"
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
