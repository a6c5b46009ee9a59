"""State machines as tables: a step that is not in the table is illegal."""

from collections.abc import Mapping

from paas.core.model import DeploymentStatus, VersionStatus
from paas.errors import Conflict

VERSION: Mapping[VersionStatus, frozenset[VersionStatus]] = {
    VersionStatus.BUILDING: frozenset({VersionStatus.STARTING, VersionStatus.FAILED}),
    VersionStatus.STARTING: frozenset({VersionStatus.READY, VersionStatus.FAILED}),
    VersionStatus.READY: frozenset({VersionStatus.DELETING}),
    VersionStatus.FAILED: frozenset({VersionStatus.DELETING}),
    VersionStatus.DELETING: frozenset(),
}

DEPLOYMENT: Mapping[DeploymentStatus, frozenset[DeploymentStatus]] = {
    DeploymentStatus.QUEUED: frozenset(
        {DeploymentStatus.RUNNING, DeploymentStatus.FAILED, DeploymentStatus.CANCELLED}
    ),
    DeploymentStatus.RUNNING: frozenset(
        {DeploymentStatus.SUCCEEDED, DeploymentStatus.FAILED, DeploymentStatus.CANCELLED}
    ),
    DeploymentStatus.SUCCEEDED: frozenset(),
    DeploymentStatus.FAILED: frozenset(),
    DeploymentStatus.CANCELLED: frozenset(),
}

RUNNABLE = frozenset({VersionStatus.STARTING, VersionStatus.READY})
"""Versions that may have replicas."""

ENDED = frozenset(status for status, following in DEPLOYMENT.items() if not following)


def check_version_step(was: VersionStatus, now: VersionStatus) -> None:
    """Raises `Conflict` (`illegal_step`) when a version may not go from `was` to `now`."""
    if now not in VERSION[was]:
        raise _illegal("version", was, now)


def check_deployment_step(was: DeploymentStatus, now: DeploymentStatus) -> None:
    """Raises `Conflict` (`illegal_step`) when a deployment may not go from `was` to `now`."""
    if now not in DEPLOYMENT[was]:
        raise _illegal("deployment", was, now)


def _illegal(noun: str, was: str, now: str) -> Conflict:
    return Conflict(f"A {was} {noun} cannot become {now}.", code="illegal_step")
