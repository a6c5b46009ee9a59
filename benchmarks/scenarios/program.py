"""The program that scenarios deploy, compiled from `program.c`, and the mood it starts in."""

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from tests.e2e.apps import RUN, Source
from tests.e2e.engine import RUN_LABEL

_CODE = Path(__file__).with_name("program.c")
_DOCKERFILE = f'FROM scratch\nLABEL {RUN_LABEL}={RUN}\nCOPY root/ /\nCMD ["/bin/program"]\n'
_COMPILE = ["-O2", "-static", "-s", "-pthread", "-Wall", "-Wextra", "-Werror"]


@cache
def source() -> Source:
    """What to upload. Needs a C compiler with its static library (Debian: gcc, libc6-dev)."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        compiler = os.environ.get("CC", "gcc")
        subprocess.run([compiler, *_COMPILE, "-o", str(program), str(_CODE)], check=True)
        files = {"Dockerfile": _DOCKERFILE.encode(), "root/bin/program": program.read_bytes()}
    return Source(files=files)


class Mood:
    """What replicas are told when they ask how to start: "crash", "never" (to listen), or
    milliseconds. `asked` counts them.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.word = "0"
        self.asked = 0

    @property
    def place(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def serve(self) -> None:
        """Until the listener is shut down."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client:
                    self.asked += 1
                    client.sendall(self.word.encode() + b"\n")


@contextmanager
def mood(gateway: str) -> Iterator[Mood]:
    """Tells them at an address that replicas can reach: the gateway of their bridge."""
    with socket.create_server((gateway, 0)) as listener:
        found = Mood(listener)
        thread = threading.Thread(target=found.serve, name="mood")
        thread.start()
        try:
            yield found
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
