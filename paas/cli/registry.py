"""Commands for registry logins. A password never stands on a command line."""

import sys

import click

from paas.cli.app import App, common, examples
from paas.cli.client import SLOW_SECONDS, segment
from paas.cli.output import moment, safe
from paas.cli.trouble import CliError

VARIABLE = "PAAS_REGISTRY_PASSWORD"
PATH = "/v1/registries"


@click.group()
@examples
def registry() -> None:
    """Store logins of private image registries, for pulls and builds.

    Examples:
      paas registry login registry.example:5000 --user ann
      paas registry list
      paas registry logout registry.example:5000

    """


@registry.command()
@click.argument("host")
@click.option("--user", required=True, help="Who logs in.")
@click.option("--no-check", is_flag=True, help="Store it without asking the registry.")
@common
def login(app: App, host: str, user: str, *, no_check: bool) -> None:
    """Store the login for the registry HOST; Docker Hub is docker.io.

    The password is asked for, or taken from PAAS_REGISTRY_PASSWORD.

    Examples:
      paas registry login docker.io --user ann
      PAAS_REGISTRY_PASSWORD=… paas registry login registry.example:5000 --user ci

    """
    body = {"user": user, "password": _password(app, host, user), "check": not no_check}
    path = f"{PATH}/{segment(host)}"
    answer = app.client().call("PUT", path, body=body, timeout=SLOW_SECONDS)
    if app.json:
        app.out.json(answer)
    else:
        checked = "" if no_check else ", and the registry takes it"
        app.out.line(f"The login for {safe(answer['host'])} is stored{checked}.")


@registry.command("list")
@common
def list_command(app: App) -> None:
    """List the registries that a login is stored for.

    Example:
      paas registry list

    """
    answer = app.client().get(PATH)
    if app.json:
        app.out.json(answer)
    elif not answer["items"]:
        app.out.line("No registry login is stored.")
    else:
        rows = [[one["host"], one["user"], moment(one["created"])] for one in answer["items"]]
        app.out.table(["REGISTRY", "USER", "SINCE"], rows)


@registry.command()
@click.argument("host")
@common
def logout(app: App, host: str) -> None:
    """Forget the login for the registry HOST.

    Example:
      paas registry logout registry.example:5000

    """
    app.client().call("DELETE", f"{PATH}/{segment(host)}")
    if not app.json:
        app.out.line(f"The login for {safe(host)} is forgotten.")


def _password(app: App, host: str, user: str) -> str:
    given = app.environ.get(VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise CliError(
            "There is nobody to ask for the password.",
            advice=f"Set it in the environment variable {VARIABLE}.",
        )
    asked: str = click.prompt(f"Password of {user} at {host}", hide_input=True, err=True)
    return asked
