"""`paas backup`: the file is there as a whole or not at all."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


@contextmanager
def answering(body: bytes, *, length: int, status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """A daemon that announces `length` bytes and sends `body`; its address and what it got."""
    seen: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


def backup(url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
    return subprocess.run(
        [sys.executable, "-m", "paas", "backup", *words, "--url", url, "--token", "t"],
        env=clean,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_file_is_what_came_and_private(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with answering(b"x" * 100, length=100) as (url, seen):
        done = backup(url, str(file), "--with-key")
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == b"x" * 100
    assert file.stat().st_mode & 0o777 == 0o600
    assert seen == [b'{"key": true, "git": false, "images": false}']
    assert "can read all secrets" in done.stderr


def test_one_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with answering(b"x" * 50, length=100) as (url, _):
        done = backup(url, str(tmp_path / "b.tar"))
    assert done.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_leaves_nothing(tmp_path: Path) -> None:
    problem = b'{"detail": "The disk is full.", "code": "disk_full", "advice": "Free some."}'
    with answering(problem, length=len(problem), status=503) as (url, _):
        done = backup(url, str(tmp_path / "b.tar"))
    assert done.returncode == 5
    assert "The disk is full." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    file.write_text("precious")
    with answering(b"x", length=1) as (url, seen):
        done = backup(url, str(file))
        assert backup(url, str(tmp_path / "no/such/b.tar")).returncode == 2
    assert done.returncode == 2
    assert seen == []
    assert file.read_text() == "precious"
