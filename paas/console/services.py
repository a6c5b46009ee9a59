"""The list of services, and a service's overview: its versions and what they get."""

from collections.abc import Sequence

from paas.console import formats
from paas.console.explaining import explain
from paas.console.visit import Page, Visit
from paas.control.explanation import VersionExplanation
from paas.control.view import ServiceView, VersionView
from paas.core.model import Condition, Failure

PER_PAGE = 50
PROXY_ERRORS = (
    "no_such_host",
    "no_traffic",
    "queue_full",
    "start_timeout",
    "start_failed",
    "upstream_refused",
    "upstream_reset",
    "upstream_timeout",
    "bad_request",
    "head_too_large",
    "uri_too_long",
    "body_too_large",
    "other",
)
"""Codes of the proxy's own answers that the page has words for."""
CHART_WORDS = ("in_flight", "queued", "ready", "frozen", "starting", "cores", "cold", "time")


async def list_services(visit: Visit) -> Page:
    """Services by name, some at a time; `q` narrows them by a part of the name."""
    query = visit.request.query
    wanted = query.get("q", "").strip().lower()
    everything = await visit.context.services.list(view=visit.principal.view)
    found = [view for view in everything if wanted in view.service.name]
    pages = max(1, -(-len(found) // PER_PAGE))
    number = min(max(1, _number(query.get("page", ""))), pages)
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    rows = [(view, await visit.context.services.versions(view.service.name)) for view in shown]
    return Page(
        title=visit.words["services.title"],
        values={
            "rows": [_row(visit, view, versions) for view, versions in rows],
            "wanted": wanted,
            "total": len(everything),
            "found": len(found),
            "number": number,
            "pages": pages,
        },
    )


async def overview(visit: Visit) -> Page:
    """One service with its versions, newest first."""
    name = visit.path("service")
    view = await visit.context.services.read(name)
    explained = await visit.context.explain.service(name)
    versions = [one.view for one in reversed(explained.versions)]
    told = visit.context.telemetry.replica
    return Page(
        title=name,
        service=name,
        values={
            "tab": "overview",
            "view": view,
            "versions": versions,
            "replicas": [
                (replica, told(replica.id)) for one in versions for replica in one.replicas
            ],
            "failures": {one.view.version.name: _failure(one) for one in explained.versions},
            "chart_words": {one: visit.words[f"charts.word.{one}"] for one in CHART_WORDS},
            "error_words": {code: visit.words[f"proxy.{code}"] for code in PROXY_ERRORS},
            "reasons": [
                (one.view.version.name, explain(one, visit.words, now=explained.time))
                for one in reversed(explained.versions)
            ],
        },
    )


def _failure(found: VersionExplanation) -> Failure | None:
    """Why its deployment failed, or why it does not stay up now."""
    if found.view.version.failure is not None:
        return found.view.version.failure
    troubled = found.view.condition is Condition.CRASHING or found.starts.failures
    return found.failures[0].failure if troubled and found.failures else None


def _row(visit: Visit, view: ServiceView, versions: Sequence[VersionView]) -> dict[str, object]:
    counts = visit.context.recorder.last_hour(view.service.id)
    return {
        "view": view,
        "line": formats.sparkline(counts),
        "requests": sum(counts),
        "replicas": sum(len(version.replicas) for version in versions),
        "versions": len(versions),
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1
