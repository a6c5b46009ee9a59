"""`paas deploy --git`: a repository as the source."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from paas.cli.trouble import CliError

PASSWORD = "PAAS_GIT_PASSWORD"  # noqa: S105 - a variable's name

OPTIONS = (
    click.option("--git", metavar="URL", help="A repository: https://…, ssh://… or git@host:…"),
    click.option("--ref", metavar="REF", help="Branch, tag or commit. Default: its main branch."),
    click.option("--subdir", metavar="DIR", help="Only this directory of the repository."),
    click.option("--submodules", is_flag=True, help="With its submodules."),
    click.option("--lfs", is_flag=True, help="With its large files (Git LFS)."),
    click.option(
        "--git-user", metavar="USER", help=f"Password or token from {PASSWORD}, or asked."
    ),
    click.option(
        "--git-key", type=click.Path(path_type=Path), metavar="FILE", help="A private deploy key."
    ),
    click.option(
        "--git-host-key", metavar="KEY", help="Insist on this host key: 'ssh-ed25519 AAAA…'."
    ),
)

_MODIFIERS = ("ref", "subdir", "submodules", "lfs", "git_user", "git_key", "git_host_key")


def source(
    options: Mapping[str, Any], environ: Mapping[str, str], ask: Callable[[str], str]
) -> dict[str, Any] | None:
    """The request's source, or None without --git. Raises `CliError`."""
    if not options["git"]:
        for name in _MODIFIERS:
            if options[name]:
                raise CliError(f"--{name.replace('_', '-')} goes with --git.")
        return None
    wanted: dict[str, Any] = {"type": "git", "url": options["git"]}
    simple = ("ref", "subdir", "submodules", "lfs")
    wanted |= {name: options[name] for name in simple if options[name]}
    login = _login(options, environ, ask)
    return {**wanted, "credentials": login} if login else wanted


def _login(
    options: Mapping[str, Any], environ: Mapping[str, str], ask: Callable[[str], str]
) -> dict[str, str]:
    if options["git_user"] and options["git_key"]:
        raise CliError("Give --git-user for https or --git-key for ssh, not both.")
    if options["git_user"]:
        password = environ.get(PASSWORD) or ask("the repository's password or token")
        return {"user": options["git_user"], "password": password}
    if not options["git_key"]:
        if options["git_host_key"]:
            raise CliError("--git-host-key goes with --git-key.")
        return {}
    try:
        key = options["git_key"].read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{options['git_key']} cannot be read: {error}.") from error
    login = {"ssh_key": key}
    return login | ({"host_key": options["git_host_key"]} if options["git_host_key"] else {})
