"""S9: what keeps a version awake, and that its idle clock neither stops nor fires twice."""

import asyncio
import time

from benchmarks.scenarios.load import OK, failures, run
from benchmarks.scenarios.report import Machine, Report
from benchmarks.scenarios.stage import Act, Stage, stage
from benchmarks.scenarios.websocket import opened

FREEZE, STOP = 3.0, 6.0
AWAKE = 3 * STOP
"""Seconds for which the WebSocket and the upload keep it awake: shortened hours."""
SLACK = 3.0
RESTARTED_STOP = 10.0
CHECKED, CHECKS = "/healthz", 4.0


def s9() -> Report:
    report = Report(id="9", title="the idle clock")
    machine = Machine()
    with stage() as here:
        _kept_awake(here, report)
        _ignored(here, report)
        for end in ("killed", "ended in good order"):
            _restarted(here, report, end)
    machine.tell(report)
    return report


# ---- private


def _kept_awake(here: Stage, report: Report) -> None:
    """A silent WebSocket and a slow upload, at the same time."""
    services = {"open WebSocket": here.deploy(), "slow upload": here.deploy()}
    for service in services.values():
        here.idle(service, freeze_after=FREEZE, stop_after=STOP)
    begun = time.time()
    heard, status = run(_held(here, *services.values()))
    over = time.time()
    report.at_least("open WebSocket: answers after its silence", heard, 1)
    report.equal("slow upload: answer", status, OK)
    for what, service in services.items():
        slept = [one for one in here.acts(service, since=begun) if one.at < over]
        report.equal(f"{what}: what the engine did within {AWAKE:g} s", slept, [])
        here.gone(service)
        _went(report, what, here.acts(service, since=begun), over)


def _went(report: Report, what: str, acts: list[Act], last: float) -> None:
    """Down the ladder, in time after it was last used."""
    for action, after in (("pause", FREEZE), ("destroy", STOP)):
        times = [one.at - last for one in acts if one.action == action]
        report.equal(f"{what}: {action}s afterwards", len(times), 1)
        beside = abs(times[0] - after) if times else float("inf")
        report.at_most(f"{what}: {action} beside its time", beside, SLACK, unit="s")


async def _held(here: Stage, socket_service: str, upload_service: str) -> tuple[int, int]:
    """What the WebSocket heard after its silence, and the status of the upload."""
    address = ("127.0.0.1", here.world.daemon.proxy_port)
    async with opened(address, f"{socket_service}.localhost") as socket:
        status = await _upload(address, f"{upload_service}.localhost")
        socket.say()
        await asyncio.sleep(0.5)
        return socket.heard, status


async def _upload(address: tuple[str, int], host: str) -> int:
    """A body that comes in drops."""
    drops = int(AWAKE / 0.5)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {drops}\r\n\r\n".encode())
    for _ in range(drops):
        writer.write(b"x")
        await asyncio.sleep(AWAKE / drops)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(head.split(b" ", 2)[1])


def _ignored(here: Stage, report: Report) -> None:
    """A monitor asks all the time, by a path that is no traffic."""
    what, service = "ignored checker", here.deploy()
    path = f"/v1/services/{service}"
    assert here.world.api.patch(path, {"ignore": [{"path_prefix": CHECKED}]}).status == OK
    here.idle(service, freeze_after=FREEZE, stop_after=STOP)
    begun = time.time()
    here.world.body(service)
    last = time.time()
    answers = run(here.crowd(service).steps([(CHECKS, STOP + 2 * SLACK)], CHECKED))
    here.gone(service)
    report.equal(f"{what}: failures", failures(answers), {})
    acts = here.acts(service, since=begun)
    report.equal(f"{what}: starts", sum(one.action == "start" for one in acts), 0)
    _went(report, what, acts, last)


def _restarted(here: Stage, report: Report, end: str) -> None:
    """The daemon is away when there is one more second to go."""
    service, daemon = here.deploy(), here.world.daemon
    here.idle(service, freeze_after=0, stop_after=RESTARTED_STOP)
    here.world.body(service)
    last = time.time()
    time.sleep(RESTARTED_STOP - 1 - (time.time() - last))
    (daemon.kill9 if end == "killed" else daemon.terminate)()
    daemon.start()
    back = time.time() - last
    here.gone(service)
    time.sleep(SLACK)
    stops = here.acts(service, "destroy", since=last)
    report.equal(f"{end}: stops", len(stops), 1)
    report.equal(f"{end}: starts", len(here.acts(service, "start", since=last)), 0)
    late = stops[0].at - last - max(back, RESTARTED_STOP)
    report.at_most(f"{end}: stopped later than it could be by", late, SLACK, unit="s")
    report.at_least(f"{end}: stopped after", stops[0].at - last, RESTARTED_STOP, unit="s")
    report.note(f"{end}: the daemon served again after", f"{back:.1f} s of {RESTARTED_STOP:g} s")
