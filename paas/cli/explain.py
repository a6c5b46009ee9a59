"""`paas explain`: why a service runs what it runs."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import segment
from paas.cli.output import age, moment, safe, seconds

Item = Mapping[str, Any]

_KINDS = {"request": "request", "stream": "answer under way", "websocket": "WebSocket"}
_LOG_LINES = 5


@click.command()
@click.argument("service")
@common
def explain(app: App, service: str) -> None:
    """Tell how many replicas SERVICE has and why, what keeps it awake, and what failed.

    Versions without traffic that sleep are told in one line.

    Examples:
      paas explain shop
      paas explain shop --json

    """
    answer = app.client().get(f"/v1/services/{segment(service)}/explain")
    if app.json:
        app.out.json(answer)
        return
    if not answer["versions"]:
        app.out.line(f"{safe(service)} has no version yet.")
    if answer["maintenance"] != "off":
        app.out.line(f"Maintenance is on ({safe(answer['maintenance'])}).")
    for item in answer["versions"]:
        _show(app, item)
    _errors(app, answer)


def _show(app: App, item: Item) -> None:
    app.out.line(app.out.paint("bold", f"{safe(item['name'])}  {item['weight']} %"))
    app.out.line(f"  {safe(item['summary'])}")
    sleeps = not item["weight"] and not any(item["replicas"].values())
    if item["status"] == "ready" and not sleeps:
        for key, value in _facts(item):
            app.out.line(f"  {key:<12} {safe(value)}")
        for request in item["awake"]["requests"]:
            app.out.line(f"  {'open':<12} {safe(_request(request))}")
    for start in item["cold_starts"]:
        app.out.line(f"  {'cold start':<12} {safe(_cold_start(start))}")
    for failure in item["failures"]:
        _failure(app, failure)
    app.out.line()


def _facts(item: Item) -> Iterable[tuple[str, str]]:
    settings, decision, queue = item["settings"], item["decision"], item["queue"]
    states = [f"{count} {state}" for state, count in item["replicas"].items() if count]
    yield "replicas", ", ".join(states) or "none"
    yield "wanted", _wanted(decision) if decision else "none"
    if decision:
        winner = decision["answer"]
        for answer in decision["answers"]:
            mark = "wins" if answer == winner else answer["window"]
            yield "rule", f"{answer['reason']} ({mark})"
    yield "settings", _settings(settings)
    yield "awake", item["awake"]["reason"]
    yield "sleep", _sleep(item["sleep"])
    waiting = f"{queue['waiting']} of {queue['limit']}"
    if queue["waiting"]:
        waiting += f", the oldest for {seconds(queue['oldest'])}"
    yield "queue", f"{waiting}; each waits at most {seconds(queue['wait_limit'])}"
    if item["starts"]["next_try"]:
        yield "next try", moment(item["starts"]["next_try"])


def _wanted(decision: Item) -> str:
    limits = decision["limited_by"]
    changed = f", from {decision['wanted']} by {', '.join(limits)}" if limits else ""
    return f"{decision['count']}{changed}{', in panic' if decision['in_panic'] else ''}"


def _settings(settings: Item) -> str:
    bounds = f"min {settings['min']}"
    if settings["min_reason"]:
        bounds += f" ({settings['min_reason']})"
    bounds += f", max {settings['max']}"
    freeze, stop = settings["freeze_after"], settings["stop_after"]
    idle = f"frozen after {seconds(freeze)}" if freeze else "never frozen"
    gone = f"stopped after {seconds(stop)}" if stop else "never stopped"
    return f"{bounds}; idle: {idle}, {gone}"


def _sleep(sleep: Item) -> str:
    ways = (("freezes", sleep["freezes_at"]), ("stops", sleep["stops_at"]))
    told = [f"{verb} at {moment(at)}" for verb, at in ways if at]
    idle = [f"idle for {age(sleep['idle_since'])}"] if sleep["idle_since"] else []
    return ", ".join(idle + (told or ["neither freezes nor stops as it is now"]))


def _request(request: Item) -> str:
    what = f"{_KINDS.get(request['kind'], request['kind'])} from {request['client']}"
    since = f"since {moment(request['since'])} ({age(request['since'])})"
    queued = ", waits for a replica" if request["queued"] else ""
    return f"{what} {since}: {request['method']} {request['path']}{queued}"


def _cold_start(start: Item) -> str:
    verb = "woke" if start["kind"] == "replica.woken" else "started"
    phases = ", ".join(f"{name} {took * 1000:.0f}" for name, took in start["phases"].items())
    return f"{moment(start['time'])}  {verb} in {start['seconds'] * 1000:.0f} ms ({phases})"


def _failure(app: App, failure: Item) -> None:
    told = f"{moment(failure['time'])}  {failure['code']}: {failure['message']}"
    app.out.line(app.out.paint("red", f"  {'failed':<12} {safe(told)}"))
    if failure["advice"]:
        app.out.line(f"  {'':<12} {safe(failure['advice'])}")
    for line in failure["log"][-_LOG_LINES:]:
        app.out.line(f"  {'':<12} | {safe(line)}")


def _errors(app: App, answer: Item) -> None:
    """Our own answers; who does not keep requests is told how to."""
    if not answer["request_log"]:
        name = safe(answer["service"])
        app.out.line(f"Error answers are not kept: `paas services set {name} request_log=true`.")
    if answer["errors"]:
        app.out.table(
            ("ERROR", "WHEN", "CLIENT", "REQUEST", "VERSION", "WAITED"),
            [
                (
                    f"{error['status']} {error['error']}",
                    moment(error["time"]),
                    error["client"],
                    f"{error['method']} {error['target']}",
                    error["version"],
                    seconds(error["waited"]),
                )
                for error in answer["errors"]
            ],
        )
