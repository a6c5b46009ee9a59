"""`paas restore`: puts a backup in place of a data directory, without the daemon."""

import os
import stat
from pathlib import Path

import click

from paas.cli.app import App, common
from paas.cli.locate import Target, data_dirs
from paas.cli.restoring import Found, held, put_in_place, unpacked
from paas.cli.trouble import CliError

SOCKET = "/var/run/docker.sock"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where the daemon keeps all.")
@click.option("--force", is_flag=True, help="Replace what is there; it is kept beside it.")
@click.option("--docker-host", default="", help="The engine for images, unix:///path.")
@common
def restore(app: App, file: Path, *, data_dir: Path | None, force: bool, docker_host: str) -> None:
    """Put FILE, an archive of `paas backup` or a copy of the database, in place.

    The daemon must not run: with systemd, first `systemctl stop paas.socket paas`.
    What was there stays beside it as *.replaced.

    Examples:
      paas restore paas-20261125T120000Z.tar
      paas restore /var/lib/paas/backups/paas-20261125T030000Z.db --force

    """
    if not file.is_file():
        raise CliError(f"There is no file {file}.")
    data = data_dir or _usual(app)
    with held(data):
        if (data / "paas.db").exists() and not force:
            raise CliError(
                f"{data} holds an installation already.",
                code="not_empty",
                advice="Choose another --data-dir, or say --force: what is there is kept as "
                "*.replaced.",
            )
        with unpacked(file, data) as found:
            if found.images is not None:
                _load(found.images, docker_host or os.environ.get("DOCKER_HOST", ""))
            names = put_in_place(found, data)
        key = (data / "secret.key").exists()
    _report(app, data, names, found, key=key)


def _usual(app: App) -> Path:
    """The first usual data directory that is there; else the one of this user."""
    places = list(data_dirs(app.environ))
    return next(
        (place for place in places if place.is_dir() and os.access(place, os.W_OK)), places[-1]
    )


def _load(images: Path, docker_host: str) -> None:
    """Give the images to the engine. Raises `CliError`."""
    from paas.cli.client import SLOWEST_SECONDS, Client  # noqa: PLC0415 (only with images)

    path = (docker_host or f"unix://{SOCKET}").removeprefix("unix://")
    if not (os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode)):  # noqa: PTH110, PTH116 - may be anything
        raise CliError(
            f"There is no Docker Engine at {path} to give the images to.",
            advice="Start it, or name its socket with --docker-host unix:///path.",
        )
    Client(Target(path=path)).send_file("/images/load?quiet=1", images, timeout=SLOWEST_SECONDS)


def _report(app: App, data: Path, names: list[str], found: Found, *, key: bool) -> None:
    if app.json:
        told = {"data_dir": str(data), "restored": names, "release": found.release, "key": key}
        app.out.json(told)
        return
    app.out.line(f"Restored to {data}: {', '.join(names)}.")
    if "config.yaml" in names:
        app.out.line(
            f"The settings file is {data / 'config.yaml.restored'}: compare it with yours."
        )
    if not key:
        app.out.note(
            f"The backup has no key, and {data} has none: if there are secrets, the daemon refuses "
            f"to start until the old machine's secret.key is at {data / 'secret.key'}, mode 0600."
        )
    app.out.line("Now start the daemon.")
