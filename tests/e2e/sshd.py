"""An SSH server of the test's own, which one key may use for one command."""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.daemon import free_port
from tests.e2e.waiting import until

SSHD = "/usr/sbin/sshd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`command` is what GIT_SSH_COMMAND has to be."""

    url: str
    command: str


@contextmanager
def server(folder: Path, command: str) -> Iterator[Server]:
    """Serves while the context lasts; the key's line in authorized_keys forces `command`."""
    port, user = free_port(), getpass.getuser()
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    public = (folder / "user.pub").read_text()
    (folder / "keys").write_text(f'restrict,command="{command}" {public}')
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/keys\nStrictModes no\nPidFile none\nUsePAM no\n"
        "PermitRootLogin forced-commands-only\nPasswordAuthentication no\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [SSHD, "-f", str(folder / "config"), "-D", "-e"], stdout=log, stderr=log
        )
    try:
        until(lambda: "listening" in (folder / "log").read_text(), "sshd listens")
        yield Server(
            url=f"ssh://{user}@127.0.0.1:{port}",
            command=f"ssh -F none -i {folder}/user -o IdentitiesOnly=yes -o BatchMode=yes "
            "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        )
    finally:
        process.terminate()
        process.wait(10)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=20)
