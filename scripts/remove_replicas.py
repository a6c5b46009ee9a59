"""Removes what an ended installation left in the engine: `remove_replicas.py DATA_DIR`.

Containers, images and networks that carry the label of this data directory, the packet
filter's rules for them, and nothing else. For a demo that is taken away; the daemon must not run.
"""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paas.cli.client import SLOW_SECONDS, Client
from paas.cli.locate import Target
from paas.cli.trouble import CliError

RULES = Path(__file__).with_name("remove_rules.py")


def main(data_dir: Path) -> int:
    try:
        ident = installation(data_dir)
        label = f"paas.installation={ident}"
        engine = Client(target(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"))
        print(f"Removed {remove(engine, label)} containers, and their images and network.")
        subprocess.run([sys.executable, str(RULES), ident], check=False, timeout=120)
    except (sqlite3.Error, CliError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def installation(data_dir: Path) -> str:
    """The random id of the data directory. Raises `sqlite3.Error`."""
    place = f"file:{data_dir / 'paas.db'}?mode=ro"
    with closing(sqlite3.connect(place, uri=True)) as database:
        row = database.execute("SELECT value FROM meta WHERE key = 'installation'").fetchone()
    if row is None:
        raise sqlite3.DataError("the data directory has no installation id")
    return str(row[0])


def target(host: str) -> Target:
    parts = urlsplit(host)
    if parts.scheme == "unix":
        return Target(path=parts.path)
    return Target(host=parts.hostname or "localhost", port=parts.port or 2375)


def remove(engine: Client, label: str) -> int:
    """How many containers went. Raises `CliError`."""
    containers = find(engine, "/containers/json", label)
    for container in containers:
        delete(engine, f"/containers/{container['Id']}", {"force": 1, "v": 1})
    for image in find(engine, "/images/json", label):
        for name in image["RepoTags"] or [image["Id"]]:
            delete(engine, f"/images/{name}", {"force": 1})
    for network in find(engine, "/networks", label):
        delete(engine, f"/networks/{network['Id']}", {})
    return len(containers)


def find(engine: Client, path: str, label: str) -> list[dict[str, Any]]:
    filters = json.dumps({"label": [label]})
    every = 1 if path.startswith("/containers") else None
    found: list[dict[str, Any]] = engine.get(path, all=every, filters=filters)
    return found


def delete(engine: Client, path: str, query: Mapping[str, object]) -> None:
    try:
        engine.call("DELETE", path, query=query, timeout=SLOW_SECONDS)
    except CliError as error:
        if error.code != "http_404":
            raise


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
