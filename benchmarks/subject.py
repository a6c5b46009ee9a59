"""The daemon as a user runs it, whose services' only replica is the benchmark's backend.

Everything runs: store, API, keeper, the engine's event stream. Only the slots
are put on the board from here instead of by the keeper, so that all peers proxy
to the same program and no container stands between.
"""

import argparse
import os
import sys

import uvloop

from benchmarks.peers import HOST
from paas.adapters.logformat import configure
from paas.core.routing import Route
from paas.daemon import Daemon
from paas.live.board import Board, Slot
from paas.process import serve
from paas.settings import load


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", type=int, required=True)
    parser.add_argument("--services", type=int, default=1)
    parser.add_argument("--versions", type=int, default=1)
    chosen = parser.parse_args()
    settings = load(None, os.environ)
    configure(settings.logs.level)

    def ready(daemon: Daemon) -> None:
        for number in range(chosen.services):
            furnish(daemon.board, number, versions=chosen.versions, port=chosen.backend)

    return uvloop.run(serve(settings, ready=ready))


def furnish(board: Board, number: int, *, versions: int, port: int) -> None:
    """Service number 0 answers at HOST, number n at `s<n>.HOST`; the first version of
    each has all traffic, every version its own host.
    """
    service = f"s{number}"
    ids = [f"{service}-v{count}" for count in range(versions)]
    hosts = {f"{one}.{HOST}": Route(key=one, service=service, schedule=(one,)) for one in ids}
    host = f"{service}.{HOST}" if number else HOST
    hosts[host] = Route(key=service, service=service, schedule=(ids[0],))
    for one in ids:
        target = board.target(one, service=service, version=one)
        target.concurrency = 80
        board.add_slot(one, Slot(f"{one}-r1", "127.0.0.1", port))
    board.put_routes(service, hosts)


if __name__ == "__main__":
    sys.exit(main())
