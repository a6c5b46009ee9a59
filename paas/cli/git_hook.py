"""`paas git-hook`: what git starts when somebody pushes.

As a hook it reads the changes of refs, sends the commit to the daemon and shows the
deployment while it lasts; its exit code is git's answer. As the forced command of an SSH
key it hands the connection to the daemon's repository. Commands come as lists, and what
an SSH client asks for is compared, never run.
"""

import gzip
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import Client, segment
from paas.cli.finish import finish
from paas.cli.progress import Plain
from paas.cli.trouble import CliError, Exit
from paas.core import pushing
from paas.errors import PaasError

ARCHIVE_SECONDS = 600.0
GIT_SECONDS = 30.0
TURN_SECONDS = 30.0
TURN_PAUSE = 0.05
WATCH_PAUSE = 1.0
PIECE = 256 * 1024
LARGEST = 4 * 1024**3
"""Bytes of a commit's files; the daemon's own limits are below."""
PATIENCE = 2.0
"""Seconds without the daemon after which its own hook ends: its push has broken off."""


@click.command("git-hook")
@click.option("--service", metavar="NAME", help="As a hook of any repository: the service.")
@click.option("--user", metavar="NAME", help="As the forced command of NAME's SSH key.")
@common
def git_hook(app: App, service: str | None, user: str | None) -> int:
    """Deploy what is pushed: as a repository's hook, or as an SSH key's command.

    In the file hooks/pre-receive of a bare repository, a failed build refuses the push:
    `exec paas git-hook --service shop`. In authorized_keys, for
    `git push ssh://user@host/shop.git main`:
    `restrict,command="paas git-hook --user ann" ssh-ed25519 ...`

    Examples:
      paas git-hook --service shop
      paas git-hook --user ann --url unix:///var/lib/paas/api.sock

    """
    try:
        if user:
            from paas.cli.git_ssh import forward  # noqa: PLC0415 (only for SSH)

            return forward(app, user)
        return _receive(app, service or app.environ.get("PAAS_PUSH_SERVICE", ""))
    except PaasError as error:
        raise CliError(
            error.message, exit_code=Exit.REFUSED, code=error.code, advice=error.advice
        ) from None


def _receive(app: App, service: str) -> int:
    if not service:
        raise CliError("Whose push is it?", advice="Give --service NAME, or --user NAME for SSH.")
    updates = pushing.parse_updates(sys.stdin)
    client = app.client()
    plan = pushing.plan(updates, service=service, branch=_branch(client, service))
    for text in (*plan.refusals, *plan.remarks):
        app.out.line(text)
    if plan.refusals:
        return Exit.FAILED
    if plan.deploy is not None:
        _deploy(app, client, service, plan.deploy)
    return Exit.OK


def _branch(client: Client, service: str) -> str:
    try:
        return client.get(f"/v1/services/{segment(service)}").get("branch") or ""
    except CliError as error:
        if error.code == "no_such_service":
            return ""
        raise


def _deploy(app: App, client: Client, service: str, update: pushing.RefUpdate) -> None:
    ticket = app.environ.get("PAAS_PUSH_TICKET", "")
    spec = {"branch": update.branch, "revision": update.new, "ticket": ticket}
    show = Plain(app.out)
    app.out.line(f"Deploying {update.source} to {service}")
    if _holds(update.new, ".gitmodules"):
        app.out.line("Submodules are no part of a push: their folders are empty.")
    path = f"/v1/services/{segment(service)}/pushes"
    with _archive(update.new) as archive:
        deployment = client.upload(path, spec, archive, progress=_quiet)
    if not ticket:
        finish(app, client, deployment, show=show)
        return
    with _watched(client, f"{path}/{ticket}"):
        finish(app, client, deployment, show=show, patience=PATIENCE)
        _await_turn(client, f"{path}/{ticket}")
        _make_way(update)


@contextmanager
def _archive(revision: str) -> Iterator[Path]:
    """The commit's files, as `git archive` packs them, also from the quarantine of a push."""
    with tempfile.TemporaryDirectory(prefix="paas-push-") as folder:
        path = Path(folder) / "source.tar.gz"
        with gzip.open(path, "wb", compresslevel=1) as into:
            _pack(revision, into)
        yield path


def _pack(revision: str, into: Any) -> None:
    words = ["git", "archive", "--format=tar", revision]
    size = 0
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:  # noqa: S603 (a list)
        assert process.stdout is not None
        while piece := process.stdout.read(PIECE):
            size += len(piece)
            if size > LARGEST:
                process.kill()
                raise CliError("The commit's files are too large.", code="too_large")
            into.write(piece)
        if process.wait(ARCHIVE_SECONDS):
            raise CliError("git archive failed.", exit_code=Exit.TROUBLE, code="git_failed")


@contextmanager
def _watched(client: Client, path: str) -> Iterator[None]:
    """End this process when its push is over: the daemon that took it has ended, another one
    perhaps goes on with the deployment, and nobody is left who could be told.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(WATCH_PAUSE):
            try:
                client.get(path)
            except CliError:
                os._exit(Exit.FAILED)

    threading.Thread(target=watch, name="push", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _await_turn(client: Client, path: str) -> None:
    """Branches move in the order of the deployments: those before are about to."""
    deadline = time.monotonic() + TURN_SECONDS
    while not client.get(path)["is_next"] and time.monotonic() < deadline:
        time.sleep(TURN_PAUSE)


def _make_way(update: pushing.RefUpdate) -> None:
    """The newest push wins: when another one, deployed before this, has moved the branch
    meanwhile, put it back to where this push found it, as git is about to require.
    """
    now = _git("rev-parse", "--verify", "--quiet", update.ref).stdout.decode().strip()
    if not now or now == update.old:
        return
    if update.old.strip("0"):
        _git("update-ref", "--", update.ref, update.old, now)
    else:
        _git("update-ref", "-d", "--", update.ref, now)


def _holds(revision: str, path: str) -> bool:
    return _git("cat-file", "-e", f"{revision}:{path}").returncode == 0


def _git(*words: str) -> "subprocess.CompletedProcess[bytes]":
    """Git in the hook's repository; refs may be changed there only outside of quarantine."""
    environ = dict(os.environ)
    if words[0] == "update-ref":
        environ.pop("GIT_QUARANTINE_PATH", None)
    command: Sequence[str] = ("git", *words)
    return subprocess.run(  # noqa: S603 (a list)
        command, env=environ, capture_output=True, timeout=GIT_SECONDS, check=False
    )


def _quiet(_sent: int, _total: int) -> None: ...
