"""The `paas` command: a group whose commands are imported only when used.

Starting it imports click and little of the standard library, so that
`paas --help` answers at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import cast

import click

from paas import __version__
from paas.cli.app import App, LoadSettings, Serve
from paas.cli.trouble import CliError, Exit

COMMANDS = {
    "serve": ("daemon", "Run the daemon."),
    "init": ("init", "Write a small application to begin with."),
    "deploy": ("deploy", "Deploy a folder, an archive or an image."),
    "services": ("services", "List services, show one, or change its settings."),
    "versions": ("versions", "List versions, or show one with its replicas."),
    "scale": ("scale", "Show or change how a version scales."),
    "explain": ("explain", "Tell why a service has the replicas it has, and what failed."),
    "env": ("env", "Show or change a service's environment and secrets."),
    "traffic": ("traffic", "Show or set how requests are split over versions."),
    "rollback": ("traffic", "Move the traffic back to an older version."),
    "logs": ("logs", "Show what replicas or a deployment wrote."),
    "metrics": ("metrics", "Show a service's figures over time."),
    "events": ("logs", "Show what happened, and why."),
    "deployments": ("services", "List a service's deployments."),
    "hooks": ("hooks", "Deploy on pushes to a hosted repository."),
    "cancel": ("services", "Cancel a deployment."),
    "domains": ("domains", "List, add or remove custom domains, or bring a certificate."),
    "delete": ("services", "Delete a service or a version."),
    "open": ("services", "Show a service's address and open it in a browser."),
    "token": ("access", "List, make or revoke API tokens."),
    "user": ("access", "List, add or delete users, or set a password."),
    "registry": ("registry", "Store logins of private image registries."),
    "gc": ("gc", "Show what takes room and remove what nobody needs."),
    "git-hook": ("git_hook", "Deploy what is pushed: a hook of git, or an SSH key's command."),
    "backup": ("backup", "Save the installation to a file."),
    "restore": ("restore", "Put a backup in place; the daemon must not run."),
    "doctor": ("doctor", "Check this machine, the engine and the daemon."),
    "version": ("daemon", "Show the versions of the command line and the daemon."),
    "completion": ("daemon", "Print a completion script for a shell."),
}
"""Name → the module under `paas.cli` that defines it, and its one-line help."""

HELP = """Turn code into running, scaled, routed services on this host.

\b
Examples:
  paas serve                            run the daemon
  paas init python && paas deploy       from nothing to a running program
  paas deploy ./shop                    build and release a folder
  paas deploy ./shop --traffic none     deploy without sending requests
  paas traffic shop set 1=90 2=10       split by percentages
  paas logs shop -f                     follow the output
"""

EPILOG = """\b
Exit codes:
  0    done
  1    the work failed, for example a deployment or a check of doctor
  2    wrong usage
  3    the daemon cannot be reached
  4    the daemon refused the request
  5    trouble in the daemon or the engine
  130  interrupted

\b
The daemon is found by --url and --token, by PAAS_URL and PAAS_TOKEN, or by
its socket in PAAS_DATA_DIR, /var/lib/paas or ~/.local/share/paas.
"""


class _ReaderGone(Exception):
    """Whoever read our stdout has had enough: no error."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports each when it is asked for."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end the process with code 1
            raise _ReaderGone from error

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"paas.cli.{COMMANDS[cmd_name][0]}")
        plain = cmd_name.replace("-", "_")
        name = plain if hasattr(module, plain) else f"{plain}_command"
        return cast(click.Command, getattr(module, name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 (only for a mistake)

            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " `paas --help` lists the commands."
            raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    help=HELP,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="paas")
def paas() -> None: ...


def run(*, serve: Serve, load_settings: LoadSettings) -> int:
    """Run this process's command line and return its exit code (`Exit`)."""
    return run_app(App(serve=serve, load_settings=load_settings), sys.argv[1:])


def run_app(app: App, argv: Sequence[str]) -> int:
    """Run one command line; errors go to the app's stderr."""
    arguments = list(argv)
    app.json = "--json" in arguments
    try:
        result = paas.main(arguments, prog_name="paas", standalone_mode=False, obj=app)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except _ReaderGone:
        _silence_stdout()
        return Exit.OK
    except (KeyboardInterrupt, click.Abort):
        app.out.note("Interrupted.")
        return Exit.INTERRUPTED
    except click.ClickException as error:
        _report_usage(app, error)
        return Exit.USAGE
    except CliError as error:
        app.out.error(error, as_json=app.json)
        return error.exit_code
    return result if isinstance(result, int) else Exit.OK


def _report_usage(app: App, error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "paas"
    told = CliError(error.format_message(), advice=f"See `{path} --help`.")
    app.out.error(told, as_json=app.json)


def _silence_stdout() -> None:
    """The reader of stdout has gone: keep the interpreter from complaining at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
