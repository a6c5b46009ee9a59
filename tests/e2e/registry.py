"""A private image registry on loopback, with a login."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.engine import Engine
from tests.e2e.http_calls import get
from tests.e2e.waiting import until

USER, PASSWORD = "ann", "open sesame"
_BCRYPT = "$2b$05$A/A7t60al.cix4R8mnIX6.Xd3ybGEOwgNfVSQVPj0QwbMvCuq5D/u"
START_SECONDS = 20.0


class Registry:
    """Debian's `docker-registry`. Engines take loopback addresses without TLS."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.address = f"127.0.0.1:{port}"

    @property
    def login(self) -> dict[str, Any]:
        return {"user": USER, "password": PASSWORD}

    def start(self) -> None:
        (self._folder / "users").write_text(f"{USER}:{_BCRYPT}\n")
        (self._folder / "config.yml").write_text(
            "version: 0.1\n"
            f"storage: {{filesystem: {{rootdirectory: {self._folder}/data}}}}\n"
            f"http: {{addr: '{self.address}'}}\n"
            f"auth: {{htpasswd: {{realm: tests, path: {self._folder}/users}}}}\n"
        )
        words = ["docker-registry", "serve", str(self._folder / "config.yml")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._answers, "the registry answers", seconds=START_SECONDS)

    def push(self, engine: Engine, local: str, name: str) -> str:
        """Push a local image; returns its reference. The engine holds it no more."""
        reference = f"{self.address}/{name}"
        words = ["--config", str(self._folder / "docker")]
        done = subprocess.run(
            ["docker", *words, "login", "-u", USER, "--password-stdin", self.address],
            input=PASSWORD.encode(),
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        engine.run("tag", local, reference)
        engine.run(*words, "push", reference)
        engine.run("rmi", reference, local)
        return reference

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            return get("127.0.0.1", self.port, "/v2/", name=self.address).status == 401
        except OSError:
            return False


@contextmanager
def private_registry(folder: Path, port: int) -> Iterator[Registry]:
    with closing(Registry(folder, port)) as registry:
        registry.start()
        yield registry
