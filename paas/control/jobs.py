"""A running deployment's record: its steps, its log and how it ended.

Each state is saved before the work it announces begins.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from paas.control.catalog import Catalog
from paas.control.logs import deployment_log
from paas.core.lifecycle import check_deployment_step
from paas.core.masking import mask
from paas.core.model import (
    Change,
    Deployment,
    DeploymentStatus,
    Event,
    Failure,
    LogLine,
    Service,
    Step,
    StepName,
    StepStatus,
)
from paas.errors import NotFound
from paas.ports import Clock, Journal

OPEN_STEPS = (StepStatus.PENDING, StepStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Who ended a deployment before its end, and why."""

    actor: str
    failure: Failure


def cancelled_by(actor: str) -> Cancellation:
    """Somebody wanted it."""
    message = f"The deployment was cancelled by {actor}."
    return Cancellation(actor=actor, failure=Failure(code="cancelled", message=message))


def superseded_by(newer: Deployment) -> Cancellation:
    """It still waited when newer code came."""
    message = f"Newer code came first: {newer.version} ({newer.source}) is deployed instead."
    return Cancellation(actor=newer.actor, failure=Failure(code="superseded", message=message))


class Job:
    """One deployment on its way. `secrets` are masked in its log."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        catalog: Catalog,
        journal: Journal,
        clock: Clock,
        secrets: Iterable[str] = (),
    ) -> None:
        self._catalog = catalog
        self._journal = journal
        self._clock = clock
        self._secrets = list(secrets)
        self.deployment = deployment

    def say(self, text: str) -> None:
        """One line for the deployment's log."""
        line = LogLine(time=self._clock.time(), text=self.masked(text))
        self._journal.append(deployment_log(self.deployment.id), line)

    def masked(self, text: str) -> str:
        """The text without the version's secrets."""
        return mask(text, self._secrets)

    async def enter(
        self, name: StepName, change: Callable[[Service], Service] | None = None
    ) -> None:
        """The step before is done and `name` begins, together with a change of the service."""
        now = self._clock.time()
        deployment = self._running(now)
        steps = tuple(_entered(step, name, now) for step in deployment.steps)
        await self._save(replace(deployment, steps=steps), change or (lambda service: service))

    async def revise(self, revision: str) -> None:
        """The commit that the deployment is made from is known."""
        await self._save(replace(self.deployment, revision=revision), lambda service: service)

    async def end(
        self,
        status: DeploymentStatus,
        change: Callable[[Service], Service],
        *,
        error: Failure | None = None,
        event: Event,
    ) -> None:
        """The deployment ends, in one transaction with what it did to the service."""
        now = self._clock.time()
        check_deployment_step(self.deployment.status, status)
        ended = replace(
            self.deployment,
            status=status,
            ended=now,
            error=error,
            steps=tuple(_ended(step, status, now) for step in self.deployment.steps),
        )
        await self._save(ended, change, event)
        self.finish()

    def finish(self) -> None:
        """Nothing more will be said: who follows the log has all of it."""
        self._journal.finish(deployment_log(self.deployment.id))

    def event(self, kind: str, message: str, *, actor: str | None = None) -> Event:
        """An event about this deployment."""
        return Event(
            kind=kind,
            time=self._clock.time(),
            actor=actor or self.deployment.actor,
            service=self.deployment.service,
            version=self.deployment.version,
            deployment=self.deployment.id,
            message=message,
        )

    def _running(self, now: float) -> Deployment:
        if self.deployment.status is DeploymentStatus.RUNNING:
            return self.deployment
        check_deployment_step(self.deployment.status, DeploymentStatus.RUNNING)
        return replace(self.deployment, status=DeploymentStatus.RUNNING, started=now)

    async def _save(
        self, deployment: Deployment, change: Callable[[Service], Service], *events: Event
    ) -> None:
        def decide(service: Service) -> Change:
            if service.id != deployment.service_id:
                raise NotFound(f"{service.name} is another service now.", code="no_such_service")
            after = change(service)
            return Change(before=service, after=after, deployments=(deployment,), events=events)

        await self._catalog.change(deployment.service, decide)
        self.deployment = deployment


def _entered(step: Step, name: StepName, now: float) -> Step:
    if step.name is name:
        return replace(step, status=StepStatus.RUNNING, started=now, seconds=None)
    if _before(name, step.name):
        return Step(name=step.name)  # of a former daemon that came further
    if step.status is StepStatus.RUNNING:
        return _closed(step, StepStatus.SUCCEEDED, now)
    if step.status is StepStatus.PENDING:
        return replace(step, status=StepStatus.SKIPPED)
    return step


def _ended(step: Step, status: DeploymentStatus, now: float) -> Step:
    if step.status is StepStatus.RUNNING:
        return _closed(step, StepStatus(status.value), now)
    return replace(step, status=StepStatus.SKIPPED) if step.status in OPEN_STEPS else step


def _closed(step: Step, status: StepStatus, now: float) -> Step:
    return replace(step, status=status, seconds=round(now - (step.started or now), 3))


def _before(one: StepName, other: StepName) -> bool:
    order = list(StepName)
    return order.index(one) < order.index(other)
