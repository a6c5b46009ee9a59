"""A smart HTTP server over TLS: `git http-backend` behind the standard library's server.

Paths: `/open/…` for everybody, `/closed/…` with the login `LOGIN`; `/same/…`, `/plain/…`
and `/away/…` redirect to `/open/…` here, over http and to another host; `/silent/…` never
answers, `/garbage/…` answers nonsense. LFS objects lie in `objects` by their id.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.certificates import issue

LOGIN = ("ann", "sesame-token")
BASIC = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()


class GitWeb:
    """What it serves lies under `root`; use `git_web`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ca_file = root / "ca.pem"
        self.objects: dict[str, bytes] = {}
        self.href = ""
        self.seen: list[tuple[str, str]] = []
        self.ended = threading.Event()
        self.port = 0

    def url(self, path: str) -> str:
        return f"https://localhost:{self.port}/{path}"

    def store(self, content: bytes) -> str:
        """Keep an LFS object; its pointer."""
        oid = hashlib.sha256(content).hexdigest()
        self.objects[oid] = content
        return pointer(oid, len(content))


def pointer(oid: str, size: int) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


@contextmanager
def git_web(root: Path) -> Iterator[GitWeb]:
    """The server, as `localhost` on a port of its own."""
    web = GitWeb(root)
    pair = issue("localhost", "git.example")
    web.ca_file.write_bytes(pair.chain)
    (root / "key.pem").write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(web.ca_file, root / "key.pem")

    class Handler(_Handler):
        served = web

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    web.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        web.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: GitWeb

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self._body())

    def log_message(self, *words: object) -> None:
        """Quiet."""

    def _serve(self, body: bytes) -> None:
        web = self.served
        area, _, rest = self.path.lstrip("/").partition("/")
        web.seen.append((self.path, self.headers.get("Authorization", "")))
        if area in {"same", "plain", "away"}:
            start = {"same": "/open/", "plain": "http://localhost/open/", "away": AWAY}[area]
            self._answer(301, headers={"Location": start + rest})
        elif area == "silent":
            web.ended.wait(60)
        elif area == "garbage":
            self._answer(200, b"\x00\xffnonsense\n" * 100)
        elif area == "closed" and self.headers.get("Authorization") != BASIC:
            self._answer(401, headers={"WWW-Authenticate": 'Basic realm="closed"'})
        elif "/info/lfs/" in rest:
            self._lfs(area, rest, body)
        else:
            self._backend(body)

    def _lfs(self, area: str, rest: str, body: bytes) -> None:
        web = self.served
        if not rest.endswith("/objects/batch"):
            self._answer(200, web.objects[rest.rpartition("/")[2]])
            return
        top = rest.removesuffix("/objects/batch")
        href = web.href or web.url(f"{area}/{top}/objects/")
        objects: list[dict[str, Any]] = json.loads(body)["objects"]
        for one in objects:
            if one["oid"] in web.objects:
                one["actions"] = {"download": {"href": href + one["oid"]}}
            else:
                one["error"] = {"code": 404, "message": "none"}
        self._answer(200, json.dumps({"objects": objects}).encode())

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.served.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        words = ("git", "http-backend")
        done = subprocess.run(words, input=body, env=environ, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(fields.pop("Status", "200").split(" ")[0])
        self._answer(status, content, headers=fields)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(
        self, status: int, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


AWAY = "https://elsewhere.example/open/"
