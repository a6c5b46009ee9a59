"""`paas doctor`: checks what the daemon needs, with or without a running daemon."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from paas.cli import checks, engine_checks
from paas.cli.app import App, common
from paas.cli.checks import Check
from paas.cli.locate import data_dirs
from paas.cli.output import safe, seconds, size
from paas.cli.trouble import CliError, Exit
from paas.errors import PaasError

_MAKE_ROOM = "See what takes room: paas gc --dry-run. Delete versions or services."
_MARKS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.option("--config", type=click.Path(path_type=Path), help="The daemon's settings file.")
@common
def doctor(app: App, config: Path | None) -> int:
    """Check this machine, the engine and the daemon; exit code 1 when something fails.

    Examples:
      paas doctor
      sudo paas doctor --config /etc/paas/config.yaml
      paas doctor --json

    """
    found = list(_examine(app, config))
    bad = any(check.level == "fail" for check in found)
    if app.json:
        app.out.json({"ok": not bad, "checks": [check.as_json() for check in found]})
    else:
        _show(app, found)
    return Exit.FAILED if bad else Exit.OK


def _examine(app: App, config: Path | None) -> Iterator[Check]:
    yield checks.python()
    settings, problem = _settings(app, config)
    if problem is not None:
        yield problem
    health, daemon = _health(app)
    yield daemon
    host = str(health.get("docker_host") or _section(settings, "docker").get("host") or "")
    engine = engine_checks.ask(host, app.environ)
    yield from engine_checks.look(engine, str(health.get("gateway") or ""))
    yield from _ports(settings, health)
    path = _data_dir(app, settings, health)
    yield from checks.data_dir(path, ours=not health)
    yield from checks.disk("disk", path)
    yield from _room(health)
    yield from _isolation(health)
    yield checks.clock(engine.time)
    yield checks.git()
    yield checks.memory()
    yield checks.descriptors()


def _settings(app: App, config: Path | None) -> tuple[Mapping[str, Any], Check | None]:
    """The settings, or none and why: the other checks go on with the defaults."""
    try:
        return app.load_settings(config), None
    except (PaasError, ImportError, OSError) as error:
        fields = getattr(error, "fields", ())
        told = "; ".join(f"{field.field}: {field.message}" for field in fields)
        return {}, Check(
            name="configuration",
            level="fail",
            message=f"{error}{': ' + told if told else ''}",
            advice=getattr(error, "advice", "") or "See config.example.yaml.",
        )


def _health(app: App) -> tuple[Mapping[str, Any], Check]:
    try:
        health = app.client().get("/v1/health") or {}
    except CliError as error:
        return {}, Check(name="daemon", level="warn", message=error.message, advice=error.advice)
    if not health.get("data_dir"):
        return {}, Check(
            name="daemon",
            level="warn",
            message=f"paas {health.get('version')} answers, but tells nothing without a token.",
            advice="Give --token, or run this as the daemon's user.",
        )
    problem = str(health.get("problem") or "")
    text = f"paas {health.get('version')}, up for {seconds(health.get('uptime'))}"
    if problem or health.get("engine") is False:
        return health, Check(
            name="daemon",
            level="warn",
            message=f"{text}; {problem or 'it cannot reach the engine'}",
            advice="The checks below look for the cause.",
        )
    return health, Check(name="daemon", level="ok", message=text)


def _room(health: Mapping[str, Any]) -> Iterator[Check]:
    """What the daemon itself thinks of its disks, and what it does about it."""
    for disk in health.get("disks") or ():
        state = f"{disk['used_percent']:.0f} % of {disk['path']} used, {size(disk['free'])} free"
        if disk["level"] == "full":
            message = f"{state}: uploads, pulls and builds are refused"
            yield Check(name="room", level="fail", message=message, advice=_MAKE_ROOM)
        elif disk["level"] == "low":
            yield Check(name="room", level="warn", message=state, advice=_MAKE_ROOM)
        else:
            yield Check(name="room", level="ok", message=state)


def _isolation(health: Mapping[str, Any]) -> Iterator[Check]:
    """Whether replicas are kept from the host's other ports."""
    if not health.get("engine"):
        return
    exposed = str(health.get("exposed") or "")
    if exposed:
        yield Check(
            name="isolation",
            level="warn",
            message=f"Replicas may reach all ports of this host: {exposed}",
            advice="Install iptables and give the daemon CAP_NET_ADMIN, or block the bridge "
            "in your own firewall (docs/isolation.md).",
        )
    else:
        text = "Replicas reach internal addresses and public ports of this host only"
        yield Check(name="isolation", level="ok", message=text)


def _ports(settings: Mapping[str, Any], health: Mapping[str, Any]) -> Iterator[Check]:
    if health.get("proxy"):
        for address in health["proxy"]:
            yield checks.port(address, held=health["proxy"], what="proxy")
        return
    proxy = _section(settings, "proxy")
    for address in [*(proxy.get("http") or [":8080"]), *(proxy.get("https") or [])]:
        yield checks.port(address, held=(), what="proxy")
    listen = _section(settings, "api").get("listen", "127.0.0.1:8600")
    if listen and not health:
        yield checks.port(listen, held=(), what="API and console")


def _data_dir(app: App, settings: Mapping[str, Any], health: Mapping[str, Any]) -> Path:
    told = str(health.get("data_dir") or settings.get("data_dir") or "")
    if told not in ("", "."):
        return Path(told).absolute()
    return [*data_dirs(app.environ)][-1].absolute()


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, Mapping) else {}


def _show(app: App, found: list[Check]) -> None:
    for check in found:
        mark = app.out.paint(_MARKS[check.level], f"{check.level:<4}")
        app.out.line(f"{mark}  {check.name:<20}  {safe(check.message)}")
        if check.advice and check.level != "ok":
            app.out.line(f"{'':<28}{safe(check.advice)}")
    sums = {level: sum(check.level == level for check in found) for level in _MARKS}
    app.out.line()
    app.out.line(f"{sums['ok']} ok, {sums['warn']} warnings, {sums['fail']} failures.")
