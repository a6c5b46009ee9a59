"""`paas gc`: what takes room, and what of it goes."""

from collections.abc import Mapping
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.output import size

GC_SECONDS = 600.0
"""An engine with many images takes long to count them."""
NOBODY = "-"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@common
def gc(app: App, *, dry_run: bool) -> None:
    """Remove what no service needs any more, and show what takes room.

    The daemon does the same by itself after each deployment and every ten
    minutes. Only what this installation made or fetched is ever touched.

    Examples:
      paas gc --dry-run
      paas gc --json

    """
    answer = app.client().call("POST", "/v1/gc", body={"dry_run": dry_run}, timeout=GC_SECONDS)
    if app.json:
        app.out.json(answer)
        return
    _show_uses(app, answer)
    _show_items(app, answer)


def _show_uses(app: App, answer: Mapping[str, Any]) -> None:
    if not answer["uses"]:
        app.out.line("Nothing of this installation takes room.")
        return
    rows = [
        [
            one["service"] or NOBODY,
            one["kind"],
            one["count"],
            size(one["bytes"]),
            size(one["shared"]) if one["shared"] else "",
        ]
        for one in answer["uses"]
    ]
    app.out.table(["SERVICE", "KIND", "COUNT", "BYTES", "SHARED"], rows)


def _show_items(app: App, answer: Mapping[str, Any]) -> None:
    word = "Would remove" if answer["dry_run"] else "Removed"
    app.out.line()
    if answer["removed"]:
        rows = [
            [one["kind"], one["id"], one["service"] or NOBODY, size(one["bytes"]), one["reason"]]
            for one in answer["removed"]
        ]
        app.out.table(["KIND", "ID", "SERVICE", "BYTES", "WHY"], rows)
    app.out.line(f"{word} {len(answer['removed'])} things, {size(answer['bytes'])}.")
    if answer["kept"]:
        app.out.line(f"{len(answer['kept'])} more are still in use and go later.")
