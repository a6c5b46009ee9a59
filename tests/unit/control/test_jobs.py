from dataclasses import replace

import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.jobs import Job
from paas.control.logs import deployment_log
from paas.core.model import Change, Failure, StepName, StepStatus
from paas.core.model import DeploymentStatus as D
from paas.errors import Conflict, NotFound, Unavailable
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.journal import FakeJournal
from tests.fakes.store import FakeStore

FAILURE = Failure(code="build_failed", message="It failed.")


class Scene:
    """One queued deployment of one service."""

    def __init__(self):
        self.store = FakeStore()
        self.clock = FakeClock()
        self.journal = FakeJournal()
        self.catalog = Catalog(self.store, Tasks())

    async def open(self, **fields):
        deployment = builders.deployment(1, **fields)
        await self.store.commit(
            Change(after=builders.service(builders.version(1)), deployments=(deployment,))
        )
        await self.catalog.load()
        return self.job(deployment)

    def job(self, deployment, secrets=()):
        return Job(
            deployment,
            catalog=self.catalog,
            journal=self.journal,
            clock=self.clock,
            secrets=secrets,
        )

    async def end(self, job, status, *, error=None):
        event = job.event(f"deployment.{status}", "It ended.")
        await job.end(status, lambda shop: shop, error=error, event=event)


def statuses(job):
    return {step.name.value: step.status.value for step in job.deployment.steps}


@pytest.fixture
def scene():
    return Scene()


async def test_the_first_step_starts_the_deployment(scene):
    job = await scene.open()
    await job.enter(StepName.FETCH)
    assert (job.deployment.status, job.deployment.started) == (D.RUNNING, scene.clock.time())
    assert statuses(job) == {
        "fetch": "running",
        "build": "pending",
        "start": "pending",
        "check": "pending",
        "release": "pending",
    }


async def test_each_step_ends_the_one_before_and_knows_its_seconds(scene):
    job = await scene.open()
    await job.enter(StepName.FETCH)
    begun = job.deployment.started
    scene.clock.advance(1.2345)
    await job.enter(StepName.BUILD)
    fetch, build = job.deployment.steps[:2]
    assert (fetch.status, fetch.started, fetch.seconds) == (StepStatus.SUCCEEDED, begun, 1.234)
    assert (build.status, build.started, build.seconds) == (
        StepStatus.RUNNING,
        scene.clock.time(),
        None,
    )
    assert job.deployment.started == begun


async def test_steps_that_were_not_needed_are_skipped(scene):
    job = await scene.open()
    await job.enter(StepName.FETCH)
    await job.enter(StepName.START)
    assert statuses(job)["build"] == "skipped"


async def test_a_step_is_durable_with_its_change_before_the_call_returns(scene):
    job = await scene.open()
    await job.enter(StepName.FETCH, lambda shop: replace(shop, last_number=9))
    assert await scene.store.deployment(job.deployment.id) == job.deployment
    assert (await scene.store.services())[0].last_number == 9
    assert len(scene.store.commits) == 2


async def test_what_could_not_be_saved_did_not_happen(scene):
    job = await scene.open()
    scene.store.broken = Unavailable("The disk is full.", code="disk_full")
    with pytest.raises(Unavailable):
        await job.enter(StepName.FETCH)
    assert job.deployment.status is D.QUEUED


async def test_a_resumed_deployment_repeats_its_steps(scene):
    job = await scene.open()
    for step in (StepName.FETCH, StepName.START, StepName.CHECK):
        await job.enter(step)
    resumed = scene.job(job.deployment)
    await resumed.enter(StepName.START)
    assert statuses(resumed) == {
        "fetch": "succeeded",
        "build": "skipped",
        "start": "running",
        "check": "pending",
        "release": "pending",
    }
    assert resumed.deployment.steps[3].started is None
    await resumed.enter(StepName.FETCH)
    assert set(list(statuses(resumed).values())[1:]) == {"pending"}


async def test_success_ends_the_last_step_and_the_log(scene):
    job = await scene.open()
    for step in StepName:
        await job.enter(step)
    scene.clock.advance(2)
    await scene.end(job, D.SUCCEEDED)
    assert set(statuses(job).values()) == {"succeeded"}
    assert (job.deployment.status, job.deployment.ended) == (D.SUCCEEDED, scene.clock.time())
    assert scene.journal.finished == {deployment_log(job.deployment.id)}


@pytest.mark.parametrize("status", [D.FAILED, D.CANCELLED])
async def test_the_step_under_way_ends_as_the_deployment_and_the_rest_is_skipped(scene, status):
    job = await scene.open()
    await job.enter(StepName.FETCH)
    await job.enter(StepName.BUILD)
    await scene.end(job, status, error=FAILURE)
    assert list(statuses(job).values()) == [
        "succeeded",
        status.value,
        "skipped",
        "skipped",
        "skipped",
    ]
    assert job.deployment.error == FAILURE


@pytest.mark.parametrize("status", [D.FAILED, D.CANCELLED])
async def test_one_that_never_began_can_end(scene, status):
    job = await scene.open()
    await scene.end(job, status, error=FAILURE)
    assert set(statuses(job).values()) == {"skipped"}
    assert job.deployment.started is None


async def test_it_ends_in_one_transaction_with_the_service_and_the_event(scene):
    job = await scene.open()
    await job.enter(StepName.FETCH)
    await job.end(
        D.SUCCEEDED,
        lambda shop: replace(shop, split={"shop-001": 100}),
        event=job.event("deployment.succeeded", "It is ready."),
    )
    last = scene.store.commits[-1]
    assert last.after.split == {"shop-001": 100}
    assert last.deployments == (job.deployment,)
    assert [event.kind for event in last.events] == ["deployment.succeeded"]


@pytest.mark.parametrize("status", [D.SUCCEEDED, D.FAILED, D.CANCELLED])
async def test_what_has_ended_stays_as_it_ended(scene, status):
    job = await scene.open(status=status)
    with pytest.raises(Conflict):
        await job.enter(StepName.FETCH)
    with pytest.raises(Conflict):
        await scene.end(job, D.FAILED)
    assert len(scene.store.commits) == 1


async def test_a_service_made_anew_under_the_same_name_is_another_one(scene):
    job = await scene.open()
    await scene.catalog.change("shop", lambda shop: Change(before=shop))
    await scene.catalog.create(builders.service(builders.version(1), id="another"))
    with pytest.raises(NotFound):
        await job.enter(StepName.FETCH)


async def test_secrets_are_masked_in_the_log(scene):
    await scene.open()
    job = scene.job(builders.deployment(1), secrets=iter(["hunter22"]))
    job.say("token=hunter22")
    job.say("again hunter22")
    key = deployment_log(job.deployment.id)
    assert scene.journal.texts(key) == ["token=***", "again ***"]
    assert scene.journal.lines[key][0].time == scene.clock.time()


async def test_events_say_who_what_and_when(scene):
    job = await scene.open()
    event = job.event("deployment.failed", "It failed.")
    assert (event.actor, event.time, event.message) == ("ann", scene.clock.time(), "It failed.")
    assert (event.service, event.version, event.deployment) == ("shop", "shop-001", "dep_shop_1")
    assert job.event("deployment.cancelled", "Stop.", actor="bob").actor == "bob"
