"""The control API as its callers see it, over the unix socket."""

import json
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.e2e.http_calls import Answer, ServerEvent, UnixConnection, event_stream, send
from tests.e2e.waiting import until

ENDED = ("succeeded", "failed", "cancelled")
CALL_SECONDS = 60.0


class Api:
    """Calls that answer with the whole response; the helpers below expect success."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def get(self, path: str, *, accept: str = "application/json", **query: object) -> Answer:
        return self.call("GET", _target(path, query), accept=accept)

    def post(self, path: str, value: object = None) -> Answer:
        return self.call("POST", path, value)

    def put(self, path: str, value: object) -> Answer:
        return self.call("PUT", path, value)

    def patch(self, path: str, value: object) -> Answer:
        return self.call("PATCH", path, value)

    def delete(self, path: str, **query: object) -> Answer:
        return self.call("DELETE", _target(path, query))

    def call(
        self, method: str, path: str, value: object = None, *, accept: str = "application/json"
    ) -> Answer:
        """JSON in; `bytes` are sent as they are."""
        headers = {"Accept": accept}
        body = None
        if value is not None:
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            headers["Content-Type"] = "application/json"
        return self.raw(method, path, body, headers)

    def raw(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        with closing(UnixConnection(self._socket, CALL_SECONDS)) as connection:
            return send(connection, method, path, body=body, headers=headers)

    def upload(
        self, service: str, archive: bytes, *, filename: str = "source.tar.gz", **spec: Any
    ) -> Answer:
        """A deployment of an archive."""
        wanted = {"create": True, "source": {"type": "archive"}, **spec}
        boundary = secrets.token_hex(16)
        body = multipart(boundary, wanted, archive, filename)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.raw("POST", f"/v1/services/{service}/deployments", body, headers)

    def stream(
        self, path: str, *, last_id: str = "", **query: object
    ) -> AbstractContextManager[Iterator[ServerEvent]]:
        connection = UnixConnection(self._socket, CALL_SECONDS)
        return event_stream(connection, _target(path, query), last_id=last_id)

    # ---- what is there

    def items(self, path: str, **query: object) -> list[dict[str, Any]]:
        answer = self.get(path, **query)
        assert answer.status == 200, answer.text
        found: list[dict[str, Any]] = answer.json["items"]
        return found

    def service(self, name: str) -> dict[str, Any]:
        answer = self.get(f"/v1/services/{name}")
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def version(self, name: str) -> dict[str, Any]:
        answer = self.get(f"{version_path(name)}")
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def replicas(self, version: str) -> list[dict[str, Any]]:
        return self.items(f"{version_path(version)}/replicas")

    def deployment(self, ident: str) -> dict[str, Any]:
        answer = self.get(f"/v1/deployments/{ident}")
        assert answer.status == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def log(self, ident: str) -> str:
        return self.get(f"/v1/deployments/{ident}/log", accept="text/plain").text

    def ended(self, ident: str, *, seconds: float = 40.0) -> dict[str, Any]:
        """The deployment once it is over."""

        def look() -> dict[str, Any] | None:
            found = self.deployment(ident)
            return found if found["status"] in ENDED else None

        found = until(look, f"deployment {ident} ended", seconds=seconds)
        assert found is not None
        return found

    def split(self, service: str, **weights: int) -> None:
        """`v1=90` stands for `<service>-001` at 90 %."""
        split = {f"{service}-{int(key[1:]):03d}": weight for key, weight in weights.items()}
        answer = self.put(f"/v1/services/{service}/traffic", {"split": split})
        assert answer.status == 200, answer.text


def version_path(version: str) -> str:
    return f"/v1/services/{version.rpartition('-')[0]}/versions/{version}"


def multipart(boundary: str, spec: object, archive: bytes, filename: str) -> bytes:
    """A form with the fields `spec` and `archive`."""
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="spec"\r\n'
        f"Content-Type: application/json\r\n\r\n{json.dumps(spec)}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="archive"; '
        f'filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    return head.encode() + archive + f"\r\n--{boundary}--\r\n".encode()


def _target(path: str, query: dict[str, object]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
