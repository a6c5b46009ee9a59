"""The daemon as a process: its signals, its service manager, its beginning and end."""

import asyncio
import faulthandler
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import uvloop

from paas.adapters import systemd
from paas.adapters.logformat import configure
from paas.adapters.systemd import NOBODY, Manager, Watch
from paas.aio.tasks import Tasks
from paas.core.handover import Held
from paas.daemon import Daemon, certify
from paas.errors import PaasError
from paas.settings import Settings, changed, load

log = logging.getLogger(__name__)

RELOADED = frozenset({"proxy.certificates", "logs.level"})
"""The settings that a reload takes over."""


def run(config: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code. Raises `PaasError` when the
    daemon cannot start, with what to do.
    """
    watch, held = systemd.manager(os.environ), systemd.handed_over(os.environ)
    faulthandler.enable()
    settings = load(config, os.environ)
    configure(settings.logs.level)
    return uvloop.run(
        serve(
            settings,
            watch=watch,
            held=held,
            again=lambda: load(config, os.environ),
            config=config,
        )
    )


async def serve(
    settings: Settings,
    *,
    watch: Watch = NOBODY,
    held: Sequence[tuple[Held, socket.socket]] = (),
    again: Callable[[], Settings] | None = None,
    config: Path | None = None,
    ready: Callable[[Daemon], None] | None = None,
) -> int:
    """Build, run until told to end, drain.

    What start-up made stays, and no collection of garbage looks at it again: each full
    one would stop all requests for 100 ms, with many services for 300.

    `watch` is told how it goes, `held` are the sockets it got, `again` reads the settings
    anew for a reload.
    """
    gc.disable()
    stop, manager, tasks = asyncio.Event(), watch.manager, Tasks()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(tasks.close)
        tasks.heal("watchdog", partial(watch.run, asyncio.sleep))
        daemon = await Daemon.build(settings, stack, config=config)
        await daemon.start(held)
        gc.freeze()
        gc.enable()
        if again is None or sys.stdin.isatty():
            loop.add_signal_handler(signal.SIGHUP, stop.set)  # its terminal is gone
        else:
            loop.add_signal_handler(signal.SIGHUP, reload, daemon, again, manager)
        manager.ready(daemon.summary)
        if ready is not None:
            ready(daemon)
        await stop.wait()
        log.info("stopping, replicas run on")
        loop.add_signal_handler(signal.SIGHUP, log.info, "stopping, not reloaded")
        manager.stopping("Finishing requests; replicas run on.")
        await daemon.drain()
    return 0


def reload(daemon: Daemon, again: Callable[[], Settings], manager: Manager) -> None:
    """Take over what can change while it runs. Wrong settings change nothing and are told."""
    manager.reloading()
    try:
        settings = again()
        certify(daemon.proxy.certificates, settings)
        configure(settings.logs.level)
    except PaasError as error:
        fields = {"error": error.message}
        log.error("not reloaded, the old settings stay", extra=fields)  # noqa: TRY400 - no bug
    else:
        later = sorted(changed(daemon.settings, settings) - RELOADED)
        log.info("reloaded", extra={"after_a_restart": later})
    manager.ready(daemon.summary)
