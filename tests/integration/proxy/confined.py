"""A proxy in a process of its own that may have few descriptors.

`python -m tests.integration.proxy.confined LOOP ORIGIN_PORT DESCRIPTORS`. It prints its
port, and on each line from stdin does as told and prints the outcome: `exhaust` takes
all descriptors that are left, `release` gives them back, `state` tells what the proxy
and its slot are like.
"""

import asyncio
import json
import os
import resource
import sys
from typing import Any

import uvloop

from paas.core.routing import Route
from paas.http1.limits import Limits
from paas.live.board import Board, Slot
from paas.proxy.proxy import Proxy

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Confined:
    """The proxy, and what it holds just to have none left."""

    def __init__(self, origin: int) -> None:
        board = Board(asyncio.get_running_loop().time)
        board.target("v1", service="hello", version="hello-001")
        self.slot = Slot("r1", "127.0.0.1", origin)
        board.add_slot("v1", self.slot)
        route = Route(key="s1", service="hello", schedule=("v1",))
        board.put_routes("s1", {"hello.localhost": route})
        # pooled connections leave at once, so that each request needs a new one
        self.proxy = Proxy(board, limits=Limits(tick_seconds=0.05, pool_size=0))
        self._held: list[int] = []

    def obey(self, command: str) -> dict[str, Any]:
        if command == "exhaust":
            try:
                while True:
                    self._held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                pass
        elif command == "release":
            for number in self._held:
                os.close(number)
            self._held.clear()
        usage = self.proxy.usage()
        return {
            "pauses": usage.pauses,
            "paused": usage.paused,
            "connections": usage.connections,
            "accepting": self.slot.accepting,
        }


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(origin: int) -> None:
    confined = Confined(origin)
    listener = await confined.proxy.listen("127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    told = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    say(str(listener.port))
    while command := (await told.readline()).decode().strip():
        say(json.dumps(confined.obey(command)))
    await confined.proxy.drain(0)


if __name__ == "__main__":
    name, origin_port, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=LOOPS[name]) as runner:
        runner.run(main(origin_port))
