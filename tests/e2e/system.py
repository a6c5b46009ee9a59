"""A machine under `scripts/install --root`: a small service manager in the place of systemd.

The `systemctl` of these tests starts the command of the installed unit and waits until it
says READY=1, as systemd does for Type=notify; so the installer meets real daemons, real
failures and real databases. Releases run this checkout's code; one whose version ends in
`bad` migrates the database to a schema of its own and then fails.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.api import Api
from tests.e2e.daemon import ROOT, free_port

SYSTEMCTL = f"""#!{sys.executable}
import os, re, signal, socket, subprocess, sys, time
from pathlib import Path

root = Path(os.environ["INSTALLED"])
pid_file, command = root / "run/daemon.pid", sys.argv[1]

def stop():
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        while True:
            os.kill(pid, 0)
            time.sleep(0.02)
    except (OSError, ValueError):
        pid_file.unlink(missing_ok=True)

def start():
    unit = (root / "etc/systemd/system/paas.service").read_text()
    words = re.search("^ExecStart=(.*)$", unit, re.M)[1].split()
    words = [str(root) + word if word.startswith("/") else word for word in words]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        address = root / "run/notify"
        address.unlink(missing_ok=True)
        notices.bind(str(address))
        notices.settimeout(0.1)
        process = subprocess.Popen(
            words,
            env=os.environ | {{"NOTIFY_SOCKET": str(address)}},
            stdout=(root / "run/log").open("a"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        pid_file.write_text(str(process.pid))
        while process.poll() is None:
            try:
                if b"READY=1" in notices.recv(4096):
                    return 0
            except TimeoutError:
                pass
    pid_file.unlink()
    return 1

if command in ("stop", "restart", "disable"):
    stop()
if command == "restart":
    sys.exit(start())
if command == "is-active":
    sys.exit(0 if pid_file.exists() else 3)
"""

PYTHON = f"""#!/bin/sh
# makes a release that runs the checkout; `-m pip` has nothing to do
if [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  cp "$0" "$3/bin/python"
  case "$3" in
    *bad-*) cp "$BAD" "$3/bin/paas" ;;
    *) printf '#!/bin/sh\\nexec {sys.executable} -P -m paas "$@"\\n' >"$3/bin/paas" ;;
  esac
  chmod +x "$3/bin/paas"
fi
"""

BAD = f"""#!{sys.executable}
import os, shutil, sqlite3, sys
from pathlib import Path
if "--version" in sys.argv:
    sys.exit()
data = Path(os.environ["INSTALLED"], "var/lib/paas/paas.db")
with sqlite3.connect(data) as db:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.execute("VACUUM INTO ?", (f"{{data}}.before-{{version + 1}}",))
    db.execute("PRAGMA user_version = 9999")
sys.exit("the new release fails")
"""


class Machine:
    """A root directory with that service manager; `install` as an administrator would."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "r"
        self.data = self.root / "var/lib/paas"
        self.checkout = folder / "c"
        self.port = free_port()
        self.api = Api(self.data / "api.sock")
        self._bin = folder / "b"
        self._bin.mkdir()
        for name, text in (("python", PYTHON), ("systemctl", SYSTEMCTL), ("bad", BAD)):
            (self._bin / name).write_text(text)
            (self._bin / name).chmod(0o755)
        for name in ("scripts", "systemd"):
            shutil.copytree(ROOT / name, self.checkout / name)
        (self.checkout / "paas").mkdir()
        for name in ("requirements.lock", "config.example.yaml", "pyproject.toml", "README.md"):
            shutil.copy2(ROOT / name, self.checkout)
        shutil.copy2(ROOT / "LICENSE", self.checkout)
        (self.root / "run/systemd/system").mkdir(parents=True)
        self._configure()

    @property
    def log(self) -> str:
        return (self.root / "run/log").read_text()

    @property
    def release(self) -> str:
        """The version that `current` names."""
        return (self.root / "opt/paas/current").readlink().name.rpartition("-")[0]

    def install(self, version: str) -> "subprocess.CompletedProcess[str]":
        (self.checkout / "paas/__init__.py").write_text(f'__version__ = "{version}"\n')
        return self.run("install", "--python", str(self._bin / "python"))

    def run(self, script: str, *options: str) -> "subprocess.CompletedProcess[str]":
        return self._call(
            str(self.checkout / "scripts" / script), "--root", str(self.root), *options
        )

    def systemctl(self, verb: str) -> int:
        """Its exit code."""
        return self._call(str(self._bin / "systemctl"), verb, "paas.service").returncode

    def _call(self, *command: str) -> "subprocess.CompletedProcess[str]":
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
        paths = {
            "PATH": f"{self._bin}:{clean['PATH']}",
            "PYTHONPATH": str(ROOT),
            "INSTALLED": str(self.root),
            "BAD": str(self._bin / "bad"),
        }
        return subprocess.run(
            command,
            env=clean | paths,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def _configure(self) -> None:
        config = self.root / "etc/paas/config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(
            f"data_dir: {self.data}\n"
            f"proxy: {{http: ['127.0.0.1:{self.port}']}}\n"
            "api: {listen: ''}\n"
            "internal: {ports: 30700-30799}\n"
            f"docker: {{host: 'unix://{self.root}/no-engine.sock'}}\n"
        )
