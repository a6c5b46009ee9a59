"""`paas init`: a small application to begin with."""

import shutil
from pathlib import Path

import click

from paas.cli.app import App, common
from paas.cli.templates import LANGUAGES, files, template
from paas.cli.trouble import CliError


@click.command()
@click.argument("language", type=click.Choice(LANGUAGES))
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@common
def init(app: App, language: str, folder: Path) -> None:
    """Write a small application into DIR, or this folder.

    It reads $PORT, ends on SIGTERM and answers / and /healthz. Files that are there are
    never overwritten.

    Examples:
      paas init python && paas deploy
      paas init go ./shop && paas deploy ./shop

    """
    names = files(language)
    there = [name for name in names if _taken(folder, name)]
    if there:
        raise CliError(
            f"{folder} already holds {', '.join(there)}.",
            code="files_exist",
            advice="Give an empty folder: nothing is ever overwritten.",
        )
    try:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(template(language) / name, folder / name)
    except OSError as error:
        raise CliError(f"{folder} cannot be written: {error.strerror or error}.") from error
    if app.json:
        app.out.json({"language": language, "folder": str(folder.resolve()), "files": names})
        return
    for name in names:
        app.out.line(f"  {name}")
    where = "" if folder == Path() else f" {folder}"
    app.out.line(f"Now deploy it: paas deploy{where}")


def _taken(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_symlink() or path.exists()
