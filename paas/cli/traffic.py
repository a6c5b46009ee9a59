"""Commands that move traffic: show and set the split, roll back."""

from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import segment
from paas.cli.output import safe
from paas.cli.trouble import CliError
from paas.cli.versions import full_name


@click.command()
@click.argument("service")
@click.argument("words", nargs=-1, metavar="[set VERSION=PERCENT...]")
@common
def traffic(app: App, service: str, words: tuple[str, ...]) -> None:
    """Show how SERVICE's requests are split, or replace the split as a whole.

    Percentages sum to 100, or are all 0: then the service is offline. A version
    is named in full or by its number.

    Examples:
      paas traffic shop
      paas traffic shop set shop-001=90 shop-002=10
      paas traffic shop set 2=100

    """
    client, path = app.client(), f"/v1/services/{segment(service)}/traffic"
    if not words:
        _show(app, client.get(path))
        return
    if words[0] != "set" or len(words) == 1:
        raise CliError(
            "To change the split, write `set` and the versions.",
            advice=f"For example: paas traffic {service} set {service}-001=90 {service}-002=10",
        )
    _show(app, client.call("PUT", path, body={"split": _split(service, words[1:])}))


@click.command()
@click.argument("service")
@click.argument("version", required=False)
@common
def rollback(app: App, service: str, version: str | None) -> None:
    """Move the traffic back: to VERSION, or to the split before this one.

    Examples:
      paas rollback shop
      paas rollback shop 3

    """
    body = {"version": full_name(service, version)} if version else {}
    path = f"/v1/services/{segment(service)}/rollback"
    _show(app, app.client().call("POST", path, body=body))


def _split(service: str, words: tuple[str, ...]) -> dict[str, int]:
    split: dict[str, int] = {}
    for word in words:
        name, _, weight = word.partition("=")
        full = full_name(service, name)
        if not weight.removesuffix("%").isascii() or not weight.removesuffix("%").isdigit():
            raise CliError(f"{word!r} is not VERSION=PERCENT.", advice="For example: 1=90 2=10")
        if full in split:
            raise CliError(f"{full} is named twice.")
        split[full] = int(weight.removesuffix("%"))
    return split


def _show(app: App, answer: dict[str, Any]) -> None:
    if app.json:
        app.out.json(answer)
        return
    split = answer.get("split") or {}
    shares = sorted(((name, weight) for name, weight in split.items() if weight), reverse=True)
    if not shares:
        app.out.line("No version gets requests: the service is offline.")
    for name, weight in shares:
        app.out.line(f"{weight:>3} %  {safe(name)}")
