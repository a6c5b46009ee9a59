"""`paas env`: the environment of a service, changed by a version of its own.

A version is immutable, so a change makes a new one from the newest ready version's image.
"""

from typing import Any

import click

from paas.cli import request
from paas.cli.app import App, ask, common
from paas.cli.client import SLOW_SECONDS, Client, segment
from paas.cli.finish import finish
from paas.cli.output import safe
from paas.cli.progress import choose
from paas.cli.trouble import CliError

HIDDEN = "(secret)"


@click.command()
@click.argument("service")
@click.argument("words", nargs=-1, metavar="[set K=V... | unset K...]")
@click.option("--secret", multiple=True, metavar="K[=V]", help="With set: kept encrypted.")
@click.option(
    "--traffic",
    type=click.Choice(["all", "none"]),
    default="all",
    show_default=True,
    help="What the new version gets when it is ready.",
)
@click.option("--detach", is_flag=True, help="Do not wait for the end.")
@common
def env(app: App, service: str, words: tuple[str, ...], **options: Any) -> None:
    """Show the environment of SERVICE's newest ready version, or change it.

    A change makes a new version of the same image, checks it, and gives it the
    traffic; nothing is built. `paas rollback` takes it back.

    Examples:
      paas env shop
      paas env shop set MODE=prod LEVEL=2
      paas env shop set --secret DB_PASSWORD
      paas env shop unset LEVEL

    """
    client = app.client()
    base = _newest(client, service)
    if not words and not options["secret"]:
        _show(app, base)
        return
    body = _change(app, words, options["secret"])
    body |= {
        "source": {"type": "version", "version": base["name"]},
        "traffic": options["traffic"],
    }
    show = choose(app.out, as_json=app.json)
    path = f"/v1/services/{segment(service)}/deployments"
    try:
        deployment = client.call("POST", path, body=body, timeout=SLOW_SECONDS)
        finish(app, client, deployment, show=show, detach=options["detach"])
    finally:
        show.close()


def _newest(client: Client, service: str) -> dict[str, Any]:
    found = client.get(f"/v1/services/{segment(service)}/versions")["items"]
    ready = [item for item in found if item["status"] == "ready"]
    if not ready:
        raise CliError(
            f"{safe(service)} has no ready version yet.",
            advice="Deploy it first; `paas deploy` takes --env and --secret.",
        )
    newest: dict[str, Any] = max(ready, key=lambda item: item["number"])
    return newest


def _show(app: App, version: dict[str, Any]) -> None:
    if app.json:
        app.out.json({name: version[name] for name in ("name", "env", "secrets")})
        return
    plain = [(name, value) for name, value in sorted(version["env"].items())]
    app.out.table(("NAME", "VALUE"), [*plain, *((name, HIDDEN) for name in version["secrets"])])
    app.out.note(f"As in {version['name']}.")


def _change(app: App, words: tuple[str, ...], secret: tuple[str, ...]) -> dict[str, Any]:
    action, names = (words[0], words[1:]) if words else ("set", ())
    if action == "set" and (names or secret):
        secrets = request.secret_pairs(secret, app.environ, ask)
        return {"env": request.pairs(names, "set"), "secrets": secrets}
    if action == "unset" and names and not secret:
        return {"env": dict.fromkeys(names)}
    raise CliError(
        "Nothing to change was named.",
        advice="For example: paas env shop set MODE=prod, or: paas env shop unset MODE",
    )
