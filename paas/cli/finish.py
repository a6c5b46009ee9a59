"""The end of a deployment that was asked for: watched, told, or left to itself."""

from typing import Any

from paas.cli.app import App
from paas.cli.client import Client, segment
from paas.cli.follow import ABSENCE_SECONDS, follow
from paas.cli.output import seconds
from paas.cli.progress import Progress
from paas.cli.trouble import CliError, Exit


def finish(
    app: App,
    client: Client,
    deployment: dict[str, Any],
    *,
    show: Progress,
    detach: bool = False,
    patience: float = ABSENCE_SECONDS,
) -> None:
    """Watch it to its end and print the URLs; with `detach` only say where to watch.
    A daemon that is away for longer than `patience` seconds is not waited for.
    Raises `CliError` with exit code 1 when it failed.
    """
    if detach:
        _detached(app, deployment)
        return
    ended = _watch(app, client, deployment, show=show, patience=patience)
    show.close()
    _report(app, client, ended)


def _detached(app: App, deployment: dict[str, Any]) -> None:
    if app.json:
        app.out.json(deployment)
        return
    app.out.line(f"Deployment {deployment['id']} of {deployment['version']} is queued.")
    app.out.line(f"Watch it with `paas logs --deployment {deployment['id']} -f`.")


def _watch(
    app: App, client: Client, deployment: dict[str, Any], *, show: Progress, patience: float
) -> dict[str, Any]:
    try:
        return follow(client, deployment, show, patience=patience)
    except KeyboardInterrupt:
        show.close()
        app.out.note(
            f"\nThe deployment goes on. Cancel it with `paas cancel {deployment['id']}`, "
            f"watch it with `paas logs --deployment {deployment['id']} -f`."
        )
        raise


def _report(app: App, client: Client, deployment: dict[str, Any]) -> None:
    """The end of it: URLs, or the error as `CliError` with exit code 1."""
    if app.json:
        app.out.json(deployment)
    if deployment["status"] != "succeeded":
        raise _failure(deployment)
    if app.json:
        return
    version, service = deployment["version"], deployment["service"]
    took = sum(step.get("seconds") or 0.0 for step in deployment.get("steps") or ())
    app.out.line(app.out.paint("green", f"{version} is ready after {seconds(took)}."))
    if deployment.get("revision"):
        app.out.line(f"  commit {deployment['revision']}")
    try:
        _addresses(app, client, service, version)
    except CliError as error:
        app.out.note(f"Its address could not be read: {error.message}")


def _addresses(app: App, client: Client, service: str, version: str) -> None:
    base = f"/v1/services/{segment(service)}"
    read = client.get(f"{base}/versions/{segment(version)}")
    if read.get("weight"):
        for url in client.get(base).get("urls") or ():
            app.out.line(f"  {url}")
        return
    for url in read.get("urls") or ():
        app.out.line(f"  {url}")
    app.out.line(f"It gets no traffic yet. `paas traffic {service}` shows the split; to send it")
    app.out.line(f"everything: `paas traffic {service} set {version}=100`.")


def _failure(deployment: dict[str, Any]) -> CliError:
    error = deployment.get("error") or {}
    status = deployment["status"]
    return CliError(
        error.get("message") or f"The deployment of {deployment['version']} was {status}.",
        exit_code=Exit.FAILED,
        code=error.get("code") or status,
        advice=error.get("advice") or "",
        log=tuple(error.get("log") or ()),
    )
