"""The daemon of S1: replicas come and go all the time, and SIGUSR1 has its inner counts
written to a file.

The fast service's replicas are nginx, one of them there only now and then; `odd.` has
the odd replica, `narrow.` the same one behind a limit on bodies.
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import signal
import sys
from pathlib import Path

import uvloop

from benchmarks.peers import HOST
from benchmarks.subject import furnish
from paas.adapters.logformat import configure
from paas.aio.tasks import Tasks
from paas.core.policy import Policy
from paas.core.routing import Route
from paas.daemon import Daemon
from paas.live.board import Board, Slot
from paas.process import serve
from paas.settings import load

ODD, NARROW = f"odd.{HOST}", f"narrow.{HOST}"
NARROW_BYTES = 1000
_FAST = "s0-v0"
_STAY = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", type=int, required=True)
    parser.add_argument("--odd", type=int, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    chosen = parser.parse_args()
    settings = load(None, os.environ)
    configure(settings.logs.level)
    tasks = Tasks()

    def ready(daemon: Daemon) -> None:
        furnish(daemon.board, 0, versions=1, port=chosen.backend)
        _add_odd(daemon.board, chosen.odd)
        tasks.heal("come and go", lambda: _come_and_go(daemon.board, chosen.backend))
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, lambda: _write(daemon, chosen.counts))

    return uvloop.run(serve(settings, ready=ready))


def _add_odd(board: Board, port: int) -> None:
    board.target("odd", service="odd", version="odd").concurrency = 200
    board.add_slot("odd", Slot("odd-r1", "127.0.0.1", port))
    narrow = Policy(body_limit=NARROW_BYTES, sticky={}, cookies={})
    routes = {
        ODD: Route(key="odd", service="odd", schedule=("odd",)),
        NARROW: Route(key="odd", service="odd", schedule=("odd",), policy=narrow),
    }
    board.put_routes("odd", routes)


async def _come_and_go(board: Board, port: int) -> None:
    for number in itertools.count():
        replica = f"{_FAST}-extra{number}"
        board.add_slot(_FAST, Slot(replica, "127.0.0.1", port))
        await asyncio.sleep(_STAY)
        (board.drain if number % 2 else board.remove_slot)(_FAST, replica)
        await asyncio.sleep(_STAY)


def _write(daemon: Daemon, path: Path) -> None:
    gc.collect()
    targets = daemon.board.targets.values()
    counts = {
        "connections": daemon.proxy.connections,
        "idle upstreams": daemon.proxy.idle_upstreams,
        "leases": sum(target.in_flight for target in targets),
        "waiters": sum(len(target.waiters) for target in targets),
        "slots": sum(len(target.slots) for target in targets),
        "fds": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
        "requests": daemon.proxy.counters.requests,
    }
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(counts))
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
