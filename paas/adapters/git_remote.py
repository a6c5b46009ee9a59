"""One repository on its server, as git is told of it: the address that was checked, the
login in files that nobody else can read, and every way around them closed.

A login is never an argument, and is sent to the one origin that it was given for.
"""

import base64
import os
import shlex
import ssl
import stat
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from paas.adapters import git_errors
from paas.adapters.git_gate import Gate, bad_ca_file
from paas.adapters.git_sandbox import MOST_OUTPUT, Finished, Sandbox
from paas.core.git_urls import PORTS, GitUrl
from paas.errors import Invalid
from paas.ports.fetching import GitLogin

STALLED_SECONDS = 60
CONNECT_SECONDS = 15
LONGEST_KNOWN = 1024**2
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"

_SSH = """\
#!{python} -IS
import os
import sys

config = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "ssh_config")
os.execvp("ssh", ["ssh", "-F", config, *sys.argv[1:]])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the host trusts: authorities beside the system's (a PEM file, or empty),
    and the file of the ssh host keys that were seen.
    """

    ca_file: str
    known_hosts: Path


class Remote:
    """Git commands on one bare repository `name` in the sandbox; use `open_remote`."""

    def __init__(
        self, url: GitUrl, sandbox: Sandbox, *, name: str, trust: Trust, learns: bool
    ) -> None:
        self.url = url
        self._learns = learns
        self._sandbox = sandbox
        self._name = name
        self._trust = trust

    async def git(
        self,
        *arguments: str,
        into: IO[bytes] | None = None,
        most: int = MOST_OUTPUT,
        pulse: Callable[[int], None] = lambda _size: None,
    ) -> Finished:
        """Run git in the repository."""
        where = f"--git-dir={self._name}/repository"
        environ = self._environ()
        try:
            return await self._sandbox.run(
                "git", where, *arguments, environ=environ, into=into, most=most, pulse=pulse
            )
        finally:
            self._keep_host_keys()

    async def ssh(self, *command: str) -> Finished:
        """Run one command on an ssh server; it is quoted for the shell over there."""
        user = f"{self.url.user}@" if self.url.user else ""
        words = (str(self._file("ssh")), "-p", str(self.url.port), "--", user + self.url.host)
        environ = self._environ()
        return await self._sandbox.run(*words, shlex.join(command), environ=environ)

    def _environ(self) -> dict[str, str]:
        return {
            "GIT_ALLOW_PROTOCOL": self.url.scheme,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self._file("config")),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_SSH": str(self._file("ssh")),
            "GIT_SSH_VARIANT": "ssh",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def _file(self, name: str) -> Path:
        return self._sandbox.folder / self._name / name

    def _keep_host_keys(self) -> None:
        """Host keys that ssh has just seen for the first time are known from now on."""
        if not self._learns:
            return
        known = read_lines(self._trust.known_hosts)
        name = f"{_host_alias(self.url)} "
        seen = (line for line in read_lines(self._file("known_hosts")) if line.startswith(name))
        new = [line for line in seen if line not in known]
        if new:
            with self._trust.known_hosts.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in new)


async def open_remote(
    url: GitUrl, login: GitLogin | None, *, gate: Gate, sandbox: Sandbox, name: str, trust: Trust
) -> Remote:
    """Look up and check the address, write the files, make the repository. `name` is a
    folder's. Raises as `Gate.addresses`, `Invalid` (`bad_ssh_key`).
    """
    addresses = await gate.addresses(url.host, url.port)
    if trust.ca_file:
        ca_file = sandbox.write(f"{name}/ca.pem", _read_ca(trust.ca_file))
        trust = replace(trust, ca_file=str(ca_file))
    sandbox.write(f"{name}/config", _config(url, login, addresses, trust))
    if url.scheme == "ssh":
        _write_ssh(url, login, addresses, (sandbox, name, trust))
    sandbox.write(f"{name}/template/info/attributes", "* -export-ignore -export-subst\n")
    sandbox.hand_over(name)
    learns = url.scheme == "ssh" and not (login and login.host_key)
    remote = Remote(url, sandbox, name=name, trust=trust, learns=learns)
    made = await remote.git("init", "--bare", "--quiet", f"--template={name}/template")
    if made.code:
        raise git_errors.unusable(made.err)
    return remote


def _read_if_there(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def read_lines(path: Path) -> list[str]:
    """Of a file that may not be what it was: nothing of what is none, or a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        return file.read(LONGEST_KNOWN).decode("utf-8", "replace").splitlines()


def _config(url: GitUrl, login: GitLogin | None, addresses: list[str], trust: Trust) -> str:
    """Git's configuration: nothing but this is read."""
    targets = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    http = {
        "followRedirects": "false",
        "lowSpeedLimit": "1",
        "lowSpeedTime": str(STALLED_SECONDS),
        "proxy": "",
    }
    if ":" not in url.host:
        http["curloptResolve"] = f"{url.host}:{url.port}:{targets}"
    if trust.ca_file:
        http["sslCAInfo"] = trust.ca_file
    sections = {
        "core": {"hooksPath": "/dev/null", "bigFileThreshold": "16m", "fsmonitor": "false"},
        "fetch": {"unpackLimit": "1", "recurseSubmodules": "false"},
        "gc": {"auto": "0"},
        "pack": {"threads": "1"},
        "protocol": {"allow": "never"},
        f'protocol "{url.scheme}"': {"allow": "always"},
        "http": http,
    }
    if login is not None and login.password and url.scheme != "ssh":
        token = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
        sections[f'http "{url.root}/"'] = {"extraHeader": f"Authorization: Basic {token}"}
    return "".join(
        f"[{section}]\n" + "".join(f"\t{key} = {_quoted(text)}\n" for key, text in values.items())
        for section, values in sections.items()
    )


def _read_ca(path: str) -> str:
    """Those of the system and our own, which git's user may not be able to read itself."""
    usual = ssl.get_default_verify_paths().cafile or SYSTEM_CA
    try:
        own = Path(path).read_text(encoding="utf-8")
        return f"{_read_if_there(usual)}\n{own}"
    except (OSError, UnicodeDecodeError) as error:
        raise bad_ca_file(path, error) from error


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write_ssh(
    url: GitUrl, login: GitLogin | None, addresses: list[str], place: tuple[Sandbox, str, Trust]
) -> None:
    sandbox, name, trust = place
    folder = sandbox.folder / name
    host = _host_alias(url)
    pinned = login.host_key if login else ""
    known = [f"{host} {pinned}"] if pinned else read_lines(trust.known_hosts)
    sandbox.write(f"{name}/known_hosts", "".join(f"{line}\n" for line in known))
    key = login.ssh_key if login else ""
    if key:
        sandbox.write(f"{name}/key", _key_text(key))
    options = {
        "HostName": addresses[0],
        "HostKeyAlias": host,
        "User": "git",
        "IdentityFile": f'"{folder / "key"}"' if key else "none",
        "UserKnownHostsFile": f'"{folder / "known_hosts"}"',
        "StrictHostKeyChecking": "yes" if pinned else "accept-new",
        **_SSH_OPTIONS,
    }
    lines = (f"{key} {value}\n" for key, value in options.items())
    sandbox.write(f"{name}/ssh_config", "".join(lines))
    sandbox.write(f"{name}/ssh", _SSH.format(python=_python(sandbox)), executable=True)


def _host_alias(url: GitUrl) -> str:
    """The host's name in files of known hosts."""
    return url.host if url.port == PORTS["ssh"] else f"[{url.host}]:{url.port}"


def _python(sandbox: Sandbox) -> Path:
    """An interpreter for the one line that gives ssh its configuration."""
    own = Path(sys.executable).resolve()
    return own if sandbox.runnable(own) else Path("/usr/bin/python3")


def _key_text(key: str) -> str:
    """A private key as ssh reads it: lines that end, the last one too."""
    lines: Iterable[str] = (line.rstrip() for line in key.strip().splitlines())
    text = "\n".join(lines) + "\n"
    if "PRIVATE KEY-----" not in text:
        raise Invalid(
            "The ssh key of the repository is no private key.",
            code="bad_ssh_key",
            advice="Give the private half of a deploy key, without passphrase: the file that "
            "begins with -----BEGIN OPENSSH PRIVATE KEY-----.",
        )
    return text


_SSH_OPTIONS = {
    "BatchMode": "yes",
    "CanonicalizeHostname": "no",
    "CheckHostIP": "no",
    "ClearAllForwardings": "yes",
    "ConnectTimeout": str(CONNECT_SECONDS),
    "ControlMaster": "no",
    "ControlPath": "none",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "GSSAPIAuthentication": "no",
    "GlobalKnownHostsFile": "/dev/null",
    "HashKnownHosts": "no",
    "HostbasedAuthentication": "no",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "KbdInteractiveAuthentication": "no",
    "LogLevel": "ERROR",
    "PasswordAuthentication": "no",
    "PermitLocalCommand": "no",
    "ProxyCommand": "none",
    "RequestTTY": "no",
    "ServerAliveCountMax": "3",
    "ServerAliveInterval": "15",
    "Tunnel": "no",
    "UpdateHostKeys": "no",
}
