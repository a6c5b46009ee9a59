"""`kill -9` while commits run: all that was acknowledged is there, nothing is half there."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from paas.adapters.store import SqliteStore

CHILD = """
import asyncio, sys
from pathlib import Path
from paas.adapters.store import SqliteStore
from paas.core.model import *
from paas.core.spec import *

def make(number):
    name = f"s{number}"
    spec = VersionSpec(source=ImageSource(image="a"), note="x" * 2000)
    versions = tuple(
        Version(id=f"{name}-{n}", name=f"{name}-{n:03d}", number=n, spec=spec,
                status=VersionStatus.READY, created=1.0, internal_port=1)
        for n in range(1, 6)
    )
    service = Service(id=name, name=name, created=1.0, internal_port=1, versions=versions)
    return Change(after=service, events=(Event(kind="a.b", time=1.0, message="m", service=name),))

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]))
    for number in range(100000):
        await store.commit(make(number))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [0.05, 0.13, 0.31])
def test_kill_in_the_middle_of_commits(tmp_path, after):
    path = tmp_path / "paas.db"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as child:
        began = child.stdout.readline()
        time.sleep(after)  # not for luck: the moment of the kill is the test's parameter
        os.kill(child.pid, signal.SIGKILL)  # also one that did not begin: it would never end
        assert began == "0\n"
        acknowledged = len(child.stdout.read().splitlines()) + 1
        child.wait(10)
    found, events = asyncio.run(state(path))
    assert len(found) in {acknowledged, acknowledged + 1}
    assert {service.name for service in found} == events
    assert all(len(service.versions) == 5 for service in found)


async def state(path):
    store = await SqliteStore.open(path)
    try:
        events = await store.events(limit=100_000)
        return await store.services(), {event.service for event in events}
    finally:
        await store.close()
