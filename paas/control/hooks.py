"""Webhooks: who may call one, and what becomes of a delivery.

Whoever cannot prove to know its secret learns nothing, not even whether there is such a
service. A genuine delivery is taken once: one at a time is decided about, recorded and
deployed, whatever happens to the caller meanwhile.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field, replace

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.hook_keys import HookKeys
from paas.control.own_repository import OwnRepositories
from paas.core.allowance import Allowance, spend
from paas.core.deliveries import Delivery, Outcome
from paas.core.model import Service
from paas.core.pushes import Deploy, Ignore, Notice, Pong, Push, Verdict, decide, read_notice
from paas.core.webhooks import Envelope, Headers, envelope, fingerprint, genuine
from paas.errors import Conflict, Denied, NotFound, PaasError, Unavailable
from paas.ports import Clock
from paas.ports import Deliveries as KeptDeliveries

log = logging.getLogger(__name__)

ACTOR = "webhook"
GENUINE = Allowance(burst=30, rate=0.5, left=30)
"""Deliveries of one service that are taken."""
REFUSED = Allowance(burst=5, rate=0.1, left=5)
"""Refused calls of one service that are recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """A call as it came: `headers` by lower-case name, `client` is the caller's address."""

    headers: Headers
    content_type: str
    body: bytes = field(repr=False)
    client: str = ""


class Hooks:
    """Owns what was counted of each service; the rest is the catalog's and the store's."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        repositories: OwnRepositories,
        kept: KeptDeliveries,
        keys: HookKeys,
        clock: Clock,
    ) -> None:
        self._catalog = catalog
        self._repositories = repositories
        self._kept = kept
        self._keys = keys
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tasks = Tasks()
        self._genuine: dict[str, Allowance] = {}
        self._refused: dict[str, Allowance] = {}
        catalog.observe(self._changed)

    async def close(self) -> None:
        """Record no more."""
        await self._tasks.close()

    # ---- deliveries

    async def receive(self, name: str, call: HookCall) -> Delivery:
        """Take a call. Raises `Denied` (`bad_signature`) unless it is genuine,
        `Unavailable` (`too_many_deliveries`), `Invalid` (`malformed_payload`), and what
        forbids the deployment.
        """
        service = self._catalog.find(name)
        secret, known = self._keys.secret(service)
        found, now = envelope(call.headers), self._clock.time()
        right = await asyncio.to_thread(
            genuine, found, call.headers, call.body, secret=secret, now=now
        )
        if service is None or found is None or not known or not right:
            self._refuse(service, found, call)
            raise Denied(
                "There is no such webhook, or the signature is not that of its secret.",
                code="bad_signature",
                advice="`paas hooks setup SERVICE` makes a new secret and says where it goes.",
            )
        self._count(service)
        work = self._tasks.spawn("delivery", self._take(service, found, call), awaited=True)
        return await asyncio.shield(work)

    async def list(self, name: str, *, limit: int = 100) -> "list[Delivery]":
        """Newest first. Raises `NotFound`."""
        return await self._kept.list(self._catalog.get(name).id, limit=limit)

    async def find(self, name: str, delivery_id: str) -> Delivery:
        """Raises `NotFound` (`no_such_delivery`)."""
        found = await self._kept.find(self._catalog.get(name).id, delivery_id)
        if found is None:
            raise NotFound(
                f"{name} has no delivery {delivery_id!r}.",
                code="no_such_delivery",
                advice=f"`paas hooks {name}` lists them; old ones are not kept.",
            )
        return found

    async def redeliver(self, name: str, delivery_id: str, *, actor: str) -> Delivery:
        """Deploy that delivery's commit again. Raises `Conflict` (`nothing_to_deploy`), and
        what forbids the deployment.
        """
        old = await self.find(name, delivery_id)
        if not old.commit or self._catalog.get(name).settings.repository is None:
            raise Conflict(
                f"The delivery {old.id} has no commit to deploy.",
                code="nothing_to_deploy",
                advice="Redeliver a push, to a service that has a repository.",
            )
        again = replace(
            old, id=_new_id(), time=self._clock.time(), fingerprint="", client=actor, reason=""
        )
        push = Push(ref=old.ref, commit=old.commit, subject=old.subject, pusher=old.pusher)
        work = self._tasks.spawn("redelivery", self._redeliver(again, push, actor), awaited=True)
        return await asyncio.shield(work)

    # ---- private

    def _count(self, service: Service) -> None:
        now = self._clock.monotonic()
        known = self._genuine.get(service.id) or replace(GENUINE, at=now)
        self._genuine[service.id], allowed = spend(known, now)
        if not allowed:
            raise Unavailable(
                f"Too many deliveries for {service.name}.",
                code="too_many_deliveries",
                advice="Let the host send pushes only, and try again later.",
            )

    def _refuse(self, service: Service | None, found: Envelope | None, call: HookCall) -> None:
        """Record it, now and then, after the answer: for whoever sets the hook up."""
        if service is None or service.hook is None:
            return
        now = self._clock.monotonic()
        known = self._refused.get(service.id) or replace(REFUSED, at=now)
        self._refused[service.id], allowed = spend(known, now)
        if not allowed:
            return
        reason = "the signature is not that of its secret" if found else "no git host sent it"
        refused = self._delivery(service, found, call, Outcome.REFUSED)
        self._tasks.spawn("refused delivery", self._record(replace(refused, reason=reason)))

    async def _take(self, service: Service, found: Envelope, call: HookCall) -> Delivery:
        fresh = self._delivery(service, found, call, Outcome.IGNORED)
        try:
            notice = await asyncio.to_thread(
                read_notice, found, content_type=call.content_type, body=call.body
            )
        except PaasError as error:
            await self._kept.add(replace(fresh, outcome=Outcome.FAILED, reason=error.message))
            raise
        fresh = replace(fresh, fingerprint=fingerprint(found, call.body))
        async with self._turn:
            verdict = await self._verdict(service, fresh, notice)
            return await self._act(fresh, verdict)

    async def _verdict(self, service: Service, fresh: Delivery, notice: Notice) -> Verdict:
        now = self._catalog.get(service.name)
        verdict = decide(notice, now.settings.repository)
        if not isinstance(verdict, Deploy):
            return verdict
        earlier = await self._kept.deployed(
            service.id, delivery=fresh.delivery, fingerprint=fresh.fingerprint
        )
        if earlier is None:
            return verdict
        reason = f"it came before and deployed as {earlier.deployment}"
        return Ignore(reason=reason, push=verdict.push)

    async def _act(self, fresh: Delivery, verdict: Verdict) -> Delivery:
        match verdict:
            case Pong():
                done = replace(fresh, outcome=Outcome.PONG)
            case Ignore():
                done = _about(fresh, verdict.push, reason=verdict.reason)
            case Deploy():
                return await self._deploy(_about(fresh, verdict.push), verdict.push, actor=ACTOR)
        await self._kept.add(done)
        return done

    async def _redeliver(self, again: Delivery, push: Push, actor: str) -> Delivery:
        async with self._turn:
            return await self._deploy(again, push, actor=actor)

    async def _deploy(self, fresh: Delivery, push: Push, *, actor: str) -> Delivery:
        try:
            deployment = await self._repositories.deploy(
                fresh.service, fresh.service_id, push.commit, note=push.subject, actor=actor
            )
        except PaasError as error:
            await self._kept.add(replace(fresh, outcome=Outcome.FAILED, reason=error.message))
            raise
        done = replace(fresh, outcome=Outcome.DEPLOYED, deployment=deployment.id, reason="")
        await self._kept.add(done)
        return done

    async def _record(self, delivery: Delivery) -> None:
        try:
            await self._kept.add(delivery)
        except PaasError as error:
            log.warning("a delivery was not recorded", extra={"code": error.code})

    def _delivery(
        self, service: Service, found: Envelope | None, call: HookCall, outcome: Outcome
    ) -> Delivery:
        return Delivery(
            id=_new_id(),
            service_id=service.id,
            service=service.name,
            time=self._clock.time(),
            host=found.host.value if found else "",
            event=found.kind if found else "",
            delivery=found.delivery if found else "",
            outcome=outcome,
            client=call.client,
        )

    def _changed(self, before: Service | None, after: Service | None) -> None:
        if before is not None and after is None:
            self._genuine.pop(before.id, None)
            self._refused.pop(before.id, None)


def _about(fresh: Delivery, push: Push | None, *, reason: str = "") -> Delivery:
    if push is None:
        return replace(fresh, reason=reason)
    return replace(
        fresh,
        reason=reason,
        ref=push.ref,
        commit=push.commit,
        subject=push.subject,
        pusher=push.pusher,
    )


def _new_id() -> str:
    return f"hook_{secrets.token_hex(8)}"
