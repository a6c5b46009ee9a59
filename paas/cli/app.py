"""What every command shares: the common options, the client, the output."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from paas.cli.client import Client
from paas.cli.locate import find
from paas.cli.output import Output
from paas.cli.trouble import CliError

Serve = Callable[[Path | None], int]
LoadSettings = Callable[[Path | None], Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class App:
    """One run of the command line. `serve` and `load_settings` import the daemon lazily."""

    serve: Serve
    load_settings: LoadSettings
    json: bool = False
    url: str | None = None
    token: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: Output = field(default_factory=Output)

    def client(self) -> Client:
        """A client of the daemon that is named or found. Raises `CliError`."""
        return Client(find(self.url, self.token, self.environ))


def ask(what: str) -> str:
    """A value typed without echo. Raises `CliError` where nobody can type."""
    if not sys.stdin.isatty():
        raise CliError(
            f"There is no value for {what}.",
            advice="Set it as an environment variable, or run this in a terminal.",
        )
    return str(click.prompt(what, hide_input=True, err=True))


def _store(context: click.Context, option: click.Parameter, value: object) -> object:
    app = context.find_object(App)
    if app is not None and option.name and value:
        setattr(app, option.name, value)
    return value


_OPTIONS = (
    click.option(
        "--url", metavar="URL", expose_value=False, callback=_store, help="The daemon's address."
    ),
    click.option(
        "--token", metavar="TOKEN", expose_value=False, callback=_store, help="An API token."
    ),
    click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_store,
        help="Results as JSON on stdout, errors as JSON on stderr.",
    ),
)


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--url`, `--token`, `--json` and the `App` as its first argument."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return click.pass_obj(examples(function))


def examples(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the line breaks of the examples that end a command's docstring in its help."""
    text = inspect.cleandoc(function.__doc__ or "")
    function.__doc__ = text.replace("\n\nExample", "\n\n\b\nExample")
    return function
