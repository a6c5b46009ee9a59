"""How much of the engine's disk is a test's own, and sources that leave something behind."""

import json
import os
import urllib.parse
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.e2e import apps
from tests.e2e.engine import RUN_LABEL
from tests.e2e.http_calls import UnixConnection, send

ENGINE = Path("/var/run/docker.sock")
MIB = 1 << 20


def engine_call(method: str, path: str, **query: Any) -> Any:
    """The JSON answer of the engine itself."""
    words = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()
    }
    with closing(UnixConnection(ENGINE, 60.0)) as connection:
        answer = send(connection, method, f"/v1.41/{path}?{urllib.parse.urlencode(words)}")
    assert answer.status < 300, answer.text
    return answer.json


def images(**labels: str) -> list[dict[str, Any]]:
    """All images that carry the labels, also those without a name."""
    wanted = {"label": [f"{key}={value}" for key, value in labels.items()]}
    found: list[dict[str, Any]] = engine_call("GET", "images/json", all="1", filters=wanted)
    return found


def image_bytes() -> int:
    """What the images of this run of the tests take, each layer counted once."""
    found = {one["Id"]: one for one in images(**{RUN_LABEL: apps.RUN})}
    sizes = {ident: one["Size"] for ident, one in found.items()}
    return sum(one["Size"] - sizes.get(one["ParentId"], 0) for one in found.values())


def heavy(text: str, *, build: str = "", size: int = MIB // 2) -> apps.Source:
    """A small web program with so many bytes that no other has, in a layer of their own."""
    source = apps.web(text, build=f"COPY blob /blob\n{build}")
    return apps.Source(files={**source.files, "blob": os.urandom(size)}, links=source.links)


def failing(text: str, *, size: int = MIB // 2) -> apps.Source:
    """Its build fails after it has made a layer."""
    return heavy(text, build='RUN ["sh", "-c", "exit 3"]', size=size)


def staged(text: str, *, size: int = MIB // 2) -> apps.Source:
    """Built in two stages: nothing that has a name was made on top of the first."""
    source = heavy(text, size=size)
    dockerfile = source.files["Dockerfile"].decode()
    first = f"FROM scratch AS first\nLABEL {RUN_LABEL}={apps.RUN}\nCOPY blob /made\n"
    second = dockerfile.replace("COPY blob /blob", "COPY --from=first /made /blob")
    return apps.Source(
        files={**source.files, "Dockerfile": (first + second).encode()}, links=source.links
    )
