"""`paas backup`: an archive of the installation, written by the daemon, kept by the caller."""

import os
import time
from pathlib import Path

import click

from paas.cli.app import App, common
from paas.cli.output import size
from paas.cli.trouble import CliError


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--with-key", is_flag=True, help="With the key that opens all secrets.")
@click.option("--with-git", is_flag=True, help="With the repositories that were pushed to.")
@click.option("--with-images", is_flag=True, help="With the images of all versions.")
@common
def backup(
    app: App, file: Path | None, *, with_key: bool, with_git: bool, with_images: bool
) -> None:
    """Save database and settings to FILE, by default paas-DATE.tar here.

    Without the key the secrets in it stay sealed, also for you: keep secret.key of the
    data directory somewhere safe, or say --with-key and keep the file so. Without the
    images a new machine has to be deployed to again.

    Examples:
      paas backup
      paas backup /backup/paas.tar --with-key --with-images

    """
    file = file or Path(time.strftime("paas-%Y%m%dT%H%M%SZ.tar", time.gmtime()))
    if file.exists():
        raise CliError(f"{file} exists.", advice="Choose another name, or move it away.")
    wanted = {"key": with_key, "git": with_git, "images": with_images}
    received = _fetch(app, file, wanted)
    if app.json:
        app.out.json({"file": str(file), "bytes": received, **wanted})
        return
    app.out.line(f"{file}  {size(received)}")
    if with_key:
        app.out.note("Whoever has this file can read all secrets.")
    else:
        app.out.note("Secrets in it open only with secret.key of the data directory.")


def _fetch(app: App, file: Path, wanted: dict[str, bool]) -> int:
    """The size of the file, which is there as a whole or not at all."""
    part = file.with_name(file.name + ".part")
    client = app.client()
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as into:
            received = client.download("/v1/backup", wanted, into)
            into.flush()
            os.fsync(into.fileno())
        part.replace(file)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return received
