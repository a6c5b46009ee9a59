"""Where the daemon is: options and environment first, then the usual sockets.

The local admin token is read only for a daemon on this machine; it is never
sent to another host.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from paas.cli.trouble import CliError, Unreachable

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place to talk to: a unix socket (`path`) or `host:port`, perhaps with TLS."""

    path: str = ""
    host: str = "localhost"
    port: int = 0
    prefix: str = ""
    tls: bool = False
    token: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.prefix}"


def find(url: str | None, token: str | None, environ: Mapping[str, str]) -> Target:
    """The daemon to talk to. Raises `CliError` for a bad URL, `Unreachable` when none answers."""
    token = token or environ.get("PAAS_TOKEN", "")
    url = url or environ.get("PAAS_URL", "")
    if url:
        return _from_url(url, token, environ)
    tried = []
    for path in sockets(environ):
        reason = _knock(path)
        if not reason:
            return Target(path=str(path), token=token)
        tried.append(f"{path}: {reason}")
    raise Unreachable(
        "No paas daemon answers on this machine. Tried " + "; ".join(tried) + ".",
        advice="Start it with `paas serve`, or name one with --url and --token "
        "(PAAS_URL, PAAS_TOKEN). `paas doctor` looks for the cause.",
    )


def data_dirs(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where a daemon may keep its data, the likeliest first."""
    named = environ.get("PAAS_DATA_DIR")
    if named:
        yield Path(named)
        return
    yield Path("/var/lib/paas")
    home = environ.get("XDG_DATA_HOME")
    yield Path(home) / "paas" if home else Path("~/.local/share/paas").expanduser()


def sockets(environ: Mapping[str, str]) -> Iterator[Path]:
    """The unix sockets to try, in order."""
    named = environ.get("PAAS_SOCKET") or environ.get("PAAS_API__SOCKET")
    if named:
        yield Path(named)
        return
    for directory in data_dirs(environ):
        yield directory / "api.sock"


def _from_url(url: str, token: str, environ: Mapping[str, str]) -> Target:
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        return Target(path=parts.path, token=token)
    host, port = _host_port(url, parts)
    if not token and host in LOOPBACK:
        token = _local_token(environ)
    return Target(
        host=host,
        port=port or (443 if parts.scheme == "https" else 80),
        prefix=parts.path.rstrip("/"),
        tls=parts.scheme == "https",
        token=token,
    )


def _host_port(url: str, parts: SplitResult) -> tuple[str, int | None]:
    try:
        port = parts.port
    except ValueError:
        port, parts = None, parts._replace(scheme="")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(
            f"{url!r} is not the address of a daemon.",
            advice="Write it as http://127.0.0.1:8600, https://host or unix:///path/api.sock.",
        )
    return parts.hostname, port


def _local_token(environ: Mapping[str, str]) -> str:
    for directory in data_dirs(environ):
        try:
            return (directory / "admin.token").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def _knock(path: Path) -> str:
    """Why nobody can be reached at that socket; "" when somebody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_SECONDS)
        try:
            client.connect(os.fspath(path))
        except FileNotFoundError:
            return "no such socket"
        except PermissionError:
            return "no permission (run as the daemon's user or with sudo)"
        except ConnectionRefusedError:
            return "nobody listens (the daemon has ended)"
        except OSError as error:
            return error.strerror or str(error)
    return ""
