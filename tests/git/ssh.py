"""A real sshd on a port of its own, which knows one deploy key and serves git only."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.waiting import until

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
AuthorizedKeysFile {root}/authorized_keys
PidFile {root}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AcceptEnv GIT_PROTOCOL
"""

_SERVE = """\
#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
  "git-lfs-authenticate "*" download") cat {root}/lfs.json ;;
  *) exec git-shell -c "$SSH_ORIGINAL_COMMAND" ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSsh:
    """`root / "lfs.json"` is what it answers who asks for its LFS server."""

    root: Path
    port: int
    user: str
    key: str
    host_key: str

    def url(self, path: Path) -> str:
        return f"ssh://{self.user}@localhost:{self.port}{path}"


def make_key(path: Path) -> str:
    """A new key in `path` and `path.pub`; the private half."""
    words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path))
    subprocess.run(words, check=True)
    return path.read_text()


@contextmanager
def git_ssh(root: Path, *, port: int = 0) -> Iterator[GitSsh]:
    """The server, with a new host key; `port` 0 is any free one."""
    key = make_key(root / "deploy_key")
    make_key(root / "host_key")
    serve = root / "serve"
    serve.write_text(_SERVE.format(root=root))
    serve.chmod(0o700)
    public = (root / "deploy_key.pub").read_text()
    (root / "authorized_keys").write_text(f'restrict,command="{serve}" {public}')
    if not port:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    (root / "sshd_config").write_text(_CONFIG.format(port=port, root=root))
    Path("/run/sshd").mkdir(exist_ok=True)
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    log = (root / "sshd.log").open("wb")
    words = (sshd, "-D", "-e", "-f", str(root / "sshd_config"))
    with log, subprocess.Popen(words, stderr=log) as process:
        try:
            until(lambda: _answers(port), "sshd answers")
            host = " ".join((root / "host_key.pub").read_text().split()[:2])
            user = pwd.getpwuid(os.getuid()).pw_name
            yield GitSsh(root=root, port=port, user=user, key=key, host_key=host)
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
