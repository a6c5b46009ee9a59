"""What one deployment does: fetch → build → start → check → release.

Every step can be repeated, so a deployment cut off anywhere is simply run again
from the first step whose result is not kept. Until `release` the traffic is
untouched. The upload and its unpacked source are gone before the end is told: from
then on nobody needs them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from paas.control.catalog import Catalog
from paas.control.images import Images, error_lines
from paas.control.jobs import Cancellation, Job
from paas.control.lives import Lives
from paas.control.scaler import Scaler
from paas.core import changes
from paas.core.model import DeploymentStatus, Failure, StepName, Traffic, Version
from paas.core.spec import PinnedImage
from paas.errors import Conflict, Failed, NotFound, PaasError, Unavailable
from paas.ports import ImageFact

log = logging.getLogger(__name__)

SAVE_PAUSE = 1.0
"""Seconds between two tries to save how a deployment ended."""

ENGINE_SLACK = 60.0
"""Seconds beyond the start timeout in which the engine must have started a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builds:
    """How many at once, and what is asked before each: it raises while there is no room."""

    concurrent: int
    admit: Callable[[], Awaitable[None]]


class Pipeline:
    """Runs jobs; at most `builds.concurrent` fetch or build at once on this host."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        images: Images,
        lives: Lives,
        scaler: Scaler,
        default_port: int,
        builds: "Builds",
    ) -> None:
        self._catalog = catalog
        self._images = images
        self._lives = lives
        self._scaler = scaler
        self._default_port = default_port
        self._builds = asyncio.Semaphore(builds.concurrent)
        self._admit = builds.admit

    async def run(self, job: Job) -> None:
        """Bring the job to its end: succeeded or failed. Cancelled, it stays as it is."""
        try:
            await self._deploy(job)
        except PaasError as error:
            await self._fail(job, error)
        except Exception:
            log.exception("deployment broke", extra={"deployment": job.deployment.id})
            await self._fail(job, Failed("The daemon failed; its log says how.", code="internal"))

    async def cancel(self, job: Job, cancellation: Cancellation) -> None:
        """End a job that somebody cancelled; its version is failed, the traffic untouched."""
        name, failure = job.deployment.version, cancellation.failure
        job.say(failure.message)
        await self._images.clean(job.deployment)
        await _settle(
            job,
            lambda: job.end(
                DeploymentStatus.CANCELLED,
                lambda service: changes.failed(service, name, failure),
                error=failure,
                event=job.event("deployment.cancelled", failure.message, actor=cancellation.actor),
            ),
        )

    async def _deploy(self, job: Job) -> None:
        version = self._version(job)
        if version.image is None or version.port is None:
            image = await self._make_image(job, version)
            pin, port = image.pin, self._port(version, image)
        else:
            pin, port = version.image, version.port
        seconds = await self._start(job, version, pin, port)
        await self._release(job, seconds)

    async def _make_image(self, job: Job, version: Version) -> ImageFact:
        if self._builds.locked():
            job.say("Waiting for another build to end")
        async with self._builds:
            await job.enter(StepName.FETCH)
            image = await self._images.fetch(job.deployment, version, job.say, revised=job.revise)
            if image is None:
                await self._admit()
                await job.enter(StepName.BUILD)
                image = await self._build(job, version)
            return image

    async def _build(self, job: Job, version: Version) -> ImageFact:
        made = await self._images.prepare(job.deployment, version, job.say)
        if made:
            await job.enter(
                StepName.BUILD,
                lambda service: changes.planned(service, version.name, dockerfile=made),
            )
        return await self._images.build(job.deployment, version, job.say)

    async def _start(self, job: Job, version: Version, pin: PinnedImage, port: int) -> float:
        """One replica wanted, started and checked; returns its start's seconds."""
        job.say(f"Starting {version.name} from {pin.reference}, port {port}")
        attempt = self._lives.attempt(version.id)
        limit = version.spec.timeouts.start + ENGINE_SLACK
        try:
            await job.enter(
                StepName.START,
                lambda service: changes.started(service, version.name, image=pin, port=port),
            )
            await self._images.clean(job.deployment)
            async with asyncio.timeout(limit):
                await attempt.launched
                await job.enter(StepName.CHECK)
                job.say(f"Checking that {version.name} answers on port {port}")
                return await attempt.ready
        except TimeoutError:
            raise Failed(
                f"{version.name} could not be started within {limit:g} s.",
                code="start_timeout",
                advice="See whether the engine answers (paas doctor), then deploy again.",
            ) from None
        finally:
            self._lives.drop(version.id, attempt)

    async def _release(self, job: Job, seconds: float) -> None:
        deployment = job.deployment
        await job.enter(StepName.RELEASE)
        self._scaler.used(deployment.version_id)
        share = "all" if deployment.traffic is Traffic.ALL else "none"
        message = f"{deployment.version} is ready and takes {share} of the traffic."
        job.say(message)
        await job.end(
            DeploymentStatus.SUCCEEDED,
            lambda service: changes.released(
                service, deployment.version, traffic=deployment.traffic, start_seconds=seconds
            ),
            event=job.event("deployment.succeeded", message),
        )

    async def _fail(self, job: Job, error: PaasError) -> None:
        name = job.deployment.version
        failure = Failure(
            code=error.code,
            message=job.masked(error.message),
            advice=error.advice,
            log=tuple(job.masked(line) for line in error.log),
        )
        for line in (*error.log, *error_lines(error)):
            job.say(line)
        await self._images.clean(job.deployment)
        await _settle(
            job,
            lambda: job.end(
                DeploymentStatus.FAILED,
                lambda service: changes.failed(service, name, failure),
                error=failure,
                event=job.event("deployment.failed", f"{name} failed: {failure.message}"),
            ),
        )

    def _version(self, job: Job) -> Version:
        found = self._catalog.version(job.deployment.version_id)
        if found is None:
            name = job.deployment.version
            raise NotFound(f"{name} was deleted meanwhile.", code="no_such_version")
        return found[1]

    def _port(self, version: Version, image: ImageFact) -> int:
        if version.spec.port is not None:
            return version.spec.port
        return image.ports[0] if len(image.ports) == 1 else self._default_port


async def _settle(job: Job, end: Callable[[], Awaitable[None]]) -> None:
    """See to it that the end is saved, however long the store takes nothing: a deployment
    that nobody works on may not look as if it ran. What ended already stays as it ended,
    and what was deleted with its service needs no end.
    """
    while True:
        try:
            return await end()
        except Unavailable as error:
            fields = {"deployment": job.deployment.id, "code": error.code}
            log.warning("deployment's end was not saved, trying again", extra=fields)
        except (Conflict, NotFound) as error:
            fields = {"deployment": job.deployment.id, "code": error.code}
            log.info("deployment had ended otherwise", extra=fields)
            return job.finish()
        await asyncio.sleep(SAVE_PAUSE)
