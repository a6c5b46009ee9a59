"""Pushes under way: the repository that each goes to, who sent it, and what it deploys.

A service's repository bears the service's id. One that is pushed to before there is a
service has a name of its own until the push is over: without a ref nothing of it stays.
A push that breaks off takes its deployment with it, for its ref is not moved either;
a daemon that ends leaves deployments to the next one.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.deployments import Deployments
from paas.control.intake import DeploymentRequest, Intake
from paas.control.usual import usual_spec
from paas.core.access import EVERYTHING
from paas.core.model import Change, Deployment, Event, Service, ServiceSettings, Traffic, Trigger
from paas.core.pushing import SHORT, USUAL
from paas.core.spec import ArchiveSource
from paas.errors import Conflict, Denied, PaasError, Unavailable
from paas.ports import Clock, Receiving, Remotes
from paas.settings import Settings

log = logging.getLogger(__name__)

EMPTY = "empty"
"""The repository that stands for those that are not there yet."""
BROKEN = "the push, which broke off"
"""Who cancels then."""
ROUND = 600.0


@dataclass(slots=True, kw_only=True, eq=False)
class Push:
    """One push under way. `accepted`: git worked it through; `number` is its version's."""

    service: str
    actor: str
    repository: str = ""
    accepted: bool = False
    over: bool = False
    number: int = 0
    deployments: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOrder:
    """What a hook asks for. `ticket` names the push that the hook belongs to; "" for a hook
    of somebody else's repository, which `actor` vouches for.
    """

    service: str
    branch: str
    revision: str
    actor: str
    ticket: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class _Fresh:
    """A repository of a service that was not there when the first of its pushes came."""

    name: str
    pushes: int = 0


class Pushes:
    """Takes pushes and deploys them. `ending` once the daemon ends."""

    def __init__(
        self,
        *,
        remotes: Remotes,
        catalog: Catalog,
        intake: Intake,
        deployments: Deployments,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._remotes = remotes
        self._catalog = catalog
        self._intake = intake
        self._deployments = deployments
        self._settings = settings
        self._clock = clock
        self._tasks = Tasks()
        self._pushes: dict[str, Push] = {}
        self._fresh: dict[str, _Fresh] = {}
        self._untidy: set[str] = set()
        self._moving = asyncio.Lock()
        self._opened = False
        self._work = asyncio.Event()
        self.ending = False
        catalog.observe(self._changed)

    async def run(self) -> NoReturn:
        """Remove repositories without a service and pack those that were pushed to, for ever."""
        while True:
            self._work.clear()
            try:
                await self._clean()
            except PaasError as error:
                log.warning("repositories were not cleaned", extra={"code": error.code})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await self._work.wait()

    async def close(self) -> None:
        """End what is under way."""
        await self._tasks.close()

    async def advertise(self, service: str) -> bytes:
        """The refs of the service's repository; of none if there is no such service.
        Raises `Unavailable`.
        """
        async with self._moving:
            await self._open()
            found, fresh = self._catalog.find(service), self._fresh.get(service)
            name = fresh.name if fresh else found.id if found else EMPTY
            if name != EMPTY and not fresh:
                await self._remotes.create(name)
            return await self._remotes.advertise(name)

    @contextlib.asynccontextmanager
    async def receive(self, service: str, *, actor: str) -> AsyncIterator[Receiving]:
        """One push; leaving early ends it and what it deploys. Raises `Unavailable`
        (`too_many_pushes`, `git_failed`).
        """
        self._check_room(service)
        push, ticket = Push(service=service, actor=actor), secrets.token_hex(32)
        self._pushes[ticket] = push
        variables = {"PAAS_PUSH_SERVICE": service, "PAAS_PUSH_TICKET": ticket}
        try:
            await self._enter(push)
            entered = self._remotes.receive(push.repository, variables=variables)
            async with entered as receiving:
                yield receiving
                push.accepted = await receiving.accepted()
        finally:
            del self._pushes[ticket]
            leaving = self._tasks.spawn("end push", self._leave(push), awaited=True)
            await asyncio.shield(leaving)

    async def welcome(self, order: PushOrder) -> PushOrder:
        """The order with who stands behind it, its service there and its branch settled.
        Raises `Denied` (`bad_ticket`), `Conflict` (`other_branch`), as `Intake.create`.
        """
        if order.ticket:
            push = self._push(order.service, order.ticket)
            order = replace(order, actor=push.actor)
        found = self._catalog.find(order.service)
        if found is None:
            settings = ServiceSettings(auto_prune=True, branch=order.branch)
            try:
                await self._intake.create(order.service, actor=order.actor, settings=settings)
            except Conflict:
                found = self._catalog.get(order.service)
        if found is not None and found.settings.branch != order.branch:
            await self._catalog.change(order.service, lambda now: self._branched(now, order))
        return order

    async def deploy(self, order: PushOrder, upload: Path) -> Deployment:
        """The deployment of a welcome order, which supersedes older ones that still wait:
        new code, everything else as in the newest ready version. Raises as `submit`.
        """
        base = self._deployments.base(order.service)
        source = ArchiveSource(filename=f"{order.branch}@{order.revision[:SHORT]}")
        deployment = await self._deployments.submit(
            DeploymentRequest(
                service=order.service,
                create=False,
                traffic=Traffic.ALL,
                actor=order.actor,
                spec=usual_spec(base, self._settings.defaults, source),
                base=base,
                trigger=Trigger.PUSH,
                revision=order.revision,
                upload=upload,
            )
        )
        if order.ticket:
            await self._belongs(deployment, self._pushes.get(order.ticket))
        return deployment

    def is_next(self, service: str, ticket: str) -> bool:
        """Whether every push that was deployed before this one is over, its branch moved.
        Raises `NotFound` (`no_such_service`), `Denied` (`bad_ticket`).
        """
        self._catalog.get(service)
        this = self._push(service, ticket)
        return not any(
            push.service == service and 0 < push.number < this.number
            for push in self._pushes.values()
        )

    async def _belongs(self, deployment: Deployment, push: Push | None) -> None:
        """A deployment whose push has broken off meanwhile ends."""
        if push is None or push.over:
            await self._abandon(deployment.id, "a push")
        else:
            push.deployments.append(deployment.id)
            found = self._catalog.version(deployment.version_id)
            push.number = found[1].number if found else 0

    def _push(self, service: str, ticket: str) -> Push:
        push = self._pushes.get(ticket)
        if push is None or push.service != service:
            raise Denied("This push is over.", code="bad_ticket", advice="Push again.")
        return push

    def _branched(self, service: Service, order: PushOrder) -> Change:
        """The service with the branch of its first push."""
        deployed, wanted = service.settings.branch, order.branch
        if deployed == wanted:
            return Change(before=service, after=service)
        if deployed or wanted not in USUAL:
            raise Conflict(
                f"{service.name} deploys {deployed or ' or '.join(USUAL)}, not {wanted}.",
                code="other_branch",
                advice=f"Change it: paas services set {service.name} branch={wanted}",
            )
        event = Event(
            kind="service.configured",
            time=self._clock.time(),
            actor=order.actor,
            service=service.name,
            message=f"Pushes to {wanted} are deployed from now on.",
        )
        settings = replace(service.settings, branch=wanted)
        return Change(before=service, after=replace(service, settings=settings), events=(event,))

    def _check_room(self, service: str) -> None:
        limits = self._settings.limits
        same = sum(push.service == service for push in self._pushes.values())
        if same >= limits.pushes_per_service or len(self._pushes) >= limits.pushes:
            raise Unavailable(
                f"{same} pushes to {service} and {len(self._pushes)} in all are under way.",
                code="too_many_pushes",
                advice="Push again when one of them is over.",
            )

    async def _open(self) -> None:
        if not self._opened:
            await self._remotes.open()
            await self._remotes.create(EMPTY)
            self._opened = True

    async def _enter(self, push: Push) -> None:
        """Find or make the repository."""
        async with self._moving:
            await self._open()
            found, fresh = self._catalog.find(push.service), self._fresh.get(push.service)
            if fresh is None and found is None:
                fresh = self._fresh[push.service] = _Fresh(name=f"new-{secrets.token_hex(8)}")
            if fresh is not None:
                fresh.pushes += 1
            push.repository = fresh.name if fresh else found.id if found else EMPTY
            await self._remotes.create(push.repository)

    async def _leave(self, push: Push) -> None:
        """See to it that nothing of the push hangs, and give a fresh repository its place."""
        push.over = True
        for deployment in push.deployments:
            await self._abandon(deployment, push.service)
        try:
            async with self._moving:
                await self._place(push)
        except PaasError as error:
            log.warning("pushed repository was lost", extra={"code": error.code})
        self._work.set()

    async def _place(self, push: Push) -> None:
        fresh = self._fresh.get(push.service)
        if fresh is None or fresh.name != push.repository:
            self._untidy.update({push.repository} - {""})
            return
        fresh.pushes -= 1
        if fresh.pushes:
            return
        del self._fresh[push.service]
        found = self._catalog.find(push.service)
        if push.accepted and found is None and await self._remotes.has_refs(fresh.name):
            settings = ServiceSettings(auto_prune=True)
            found = await self._intake.create(push.service, actor=push.actor, settings=settings)
        if found is None or found.id in await self._remotes.names():
            await self._remotes.remove(fresh.name)
        else:
            await self._remotes.rename(fresh.name, found.id)
            self._untidy.add(found.id)

    async def _abandon(self, deployment: str, service: str) -> None:
        """Cancel what has not ended, unless the daemon does."""
        try:
            if not self.ending and not await self._deployments.settled(deployment):
                log.info("push broke off", extra={"service": service, "deployment": deployment})
                await self._deployments.cancel(deployment, actor=BROKEN, view=EVERYTHING)
        except PaasError as error:
            log.info("deployment ended first", extra={"code": error.code})

    async def _clean(self) -> None:
        if names := await self._remotes.names():  # else nobody has pushed yet
            async with self._moving:
                await self._open()
        for name in names:
            if not self._needed(name):
                await self._remotes.remove(name)
        for name in sorted(self._untidy):
            if all(push.repository != name for push in self._pushes.values()):
                self._untidy.discard(name)
                await self._remotes.tidy(name)

    def _needed(self, name: str) -> bool:
        fresh = {one.name for one in self._fresh.values()}
        services = {service.id for service in self._catalog.services()}
        return name == EMPTY or name in fresh or name in services

    def _changed(self, before: Service | None, after: Service | None) -> None:
        if before is not None and after is None:
            self._work.set()
