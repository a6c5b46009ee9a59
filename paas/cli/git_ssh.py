"""The end of an SSH connection that pushes: git's two rounds over HTTP, seen as one.

The daemon's side is stateless: it tells its refs, then takes a whole push. Whoever may
use the key may push to every service that the daemon's socket or token lets this
program reach.
"""

import os
import sys
from collections.abc import Iterator

from paas.cli.app import App
from paas.cli.client import SLOW_SECONDS, Client, segment
from paas.cli.trouble import Exit
from paas.core import pktline, pushing

PIECE = 64 * 1024
REQUEST = "application/x-git-receive-pack-request"
LARGEST_REFS = 64 * 1024**2


def forward(app: App, user: str) -> int:
    """Serve the SSH client behind stdin and stdout. Raises `CliError`, `PaasError`."""
    service = pushing.receives(app.environ.get("SSH_ORIGINAL_COMMAND", ""))
    client = app.client()
    path = f"/git/{segment(service)}.git"
    headers = {"Paas-User": user, "Accept": "*/*"}
    query = {"service": "git-receive-pack"}
    refs = client.open("GET", f"{path}/info/refs", query=query, headers=headers)
    with refs as response:
        _say(pktline.advertised(response.read(LARGEST_REFS)))
    commands = _commands()
    if not commands.probing:
        _push(client, path + "/git-receive-pack", headers, commands)
    return Exit.OK


def _push(client: Client, path: str, headers: dict[str, str], commands: pktline.Commands) -> None:
    headers = headers | {"Content-Type": REQUEST}
    body = _body(commands)
    with client.open("POST", path, headers=headers, body=body, timeout=SLOW_SECONDS) as response:
        while piece := response.read1(PIECE):
            _say(piece)


def _commands() -> pktline.Commands:
    """The client's lines before the pack; it may hang up without any."""
    commands = pktline.Commands()
    while not commands.complete:
        piece = os.read(sys.stdin.fileno(), PIECE)
        if not piece and not commands.data:
            piece = pktline.FLUSH
        commands.feed(piece) if piece else commands.end()
    return commands


def _body(commands: pktline.Commands) -> Iterator[bytes]:
    """The client keeps its side open where no pack follows: then the lines are all."""
    yield commands.data
    while commands.pack_follows and (piece := os.read(sys.stdin.fileno(), PIECE)):
        yield piece


def _say(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
