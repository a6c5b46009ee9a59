"""Commands about the program itself: serve, version, completion."""

from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from paas import __version__
from paas.cli.app import App, common, examples
from paas.cli.trouble import CliError, Exit
from paas.errors import PaasError


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="Settings as YAML; default: none.")
@click.pass_obj
@examples
def serve(app: App, config: Path | None) -> int:
    """Run the daemon until it is told to end; replicas go on running.

    Examples:
      paas serve
      paas serve --config /etc/paas/config.yaml
      PAAS_PROXY__HTTP=:80 paas serve

    """
    if config is not None and not config.is_file():
        raise CliError(f"There is no file {config}.", advice="See config.example.yaml.")
    try:
        return app.serve(config)
    except PaasError as error:
        raise CliError(
            error.message, exit_code=Exit.FAILED, code=error.code, advice=error.advice
        ) from error


@click.command()
@common
def version(app: App) -> None:
    """Show the versions of the command line, the daemon and the engine.

    Example:
      paas version

    """
    health: dict[str, Any] = {}
    problem = ""
    try:
        health = app.client().get("/v1/health")
    except CliError as error:
        problem = error.message
    if app.json:
        app.out.json({"cli": __version__, "daemon": health or None, "problem": problem})
        return
    app.out.line(f"paas    {__version__}")
    app.out.line(f"daemon  {health.get('version') or 'not reachable'}")
    app.out.line(f"engine  {health.get('engine_version') or 'unknown'}")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@examples
def completion(shell: str) -> None:
    """Print a completion script for SHELL.

    Examples:
      paas completion bash > ~/.local/share/bash-completion/completions/paas
      paas completion zsh > ~/.zfunc/_paas
      paas completion fish > ~/.config/fish/completions/paas.fish

    """
    from paas.cli.main import paas  # noqa: PLC0415 (the group imports this module lazily)

    kind = get_completion_class(shell)
    if kind is None:
        raise CliError(f"There is no completion for {shell}.")
    click.echo(kind(paas, {}, "paas", "_PAAS_COMPLETE").source())
