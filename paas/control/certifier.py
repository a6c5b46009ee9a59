"""The certificates of all hosts: which there are, which are ordered, what becomes of them.

A healing loop looks at what is wanted, what there is and what failed, and lets
`core.certifying` decide. Each order is a task of its own, so that one domain's trouble is no
other's. What is in use was kept before.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from paas.aio.tasks import Tasks
from paas.control.certified_hosts import CertifiedHosts
from paas.control.memory import CertificateMemory
from paas.control.ordering import Ordering
from paas.control.showcase import Showcase
from paas.core.access import View
from paas.core.certifying import (
    DAY,
    HOUR,
    NO_CERTIFICATE,
    CertificateState,
    CertificateStatus,
    Facts,
    Source,
    alarm,
    due,
    status,
)
from paas.core.model import Failure
from paas.errors import PaasError, TooOften
from paas.ports import Clock, KeptCertificate, Office

log = logging.getLogger(__name__)

ROUND = 10.0
"""Seconds between two looks where nothing happens."""
ASK_AGAIN = 6 * HOUR
"""Between two questions when certificates should be renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCertificate:
    """`service` is None for a wildcard that is for all of them."""

    host: str
    service: str | None
    status: CertificateStatus


class Certifier:
    """Use `load` before listening, then `run`. Without `ordering` nothing is ordered, and what
    was uploaded is used all the same.
    """

    def __init__(
        self,
        *,
        office: Office,
        ordering: Ordering | None,
        hosts: CertifiedHosts,
        showcase: Showcase,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._keyring = office.keyring
        self._ordering = ordering
        self._hosts = hosts
        self._showcase = showcase
        self._clock = clock
        self._tasks = tasks
        directory = office.authority.directory if office.authority else ""
        self._memory = CertificateMemory(office.keyring, clock, directory=directory)
        self._keeping = asyncio.Lock()
        self._work = asyncio.Event()
        self._ask_at = float("-inf")
        hosts.on_change = self._changed

    async def load(self) -> None:
        """Use what is kept. Call it when the catalog is loaded."""
        await self._memory.load()
        self._hosts.load()
        self._sync()

    async def run(self) -> NoReturn:
        """Order, renew and warn, for ever."""
        while True:
            await self._round()
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await self._work.wait()
            self._work.clear()

    def poke(self) -> None:
        """Look again soon."""
        self._work.set()

    def status(self, host: str) -> CertificateStatus:
        """What there is to tell of a host."""
        found = self._showcase.file(host)
        if found is not None and host not in self._memory.kept:
            return CertificateStatus(
                state=CertificateState.VALID,
                source=Source.FILE,
                facts=Facts(
                    names=tuple(sorted(found.names)),
                    issuer="",
                    begins=0.0,
                    expires=found.expires.timestamp(),
                ),
            )
        if host not in self._hosts.all:
            return NO_CERTIFICATE
        return status(host, self._memory.about(host), ordered=self._ordering is not None)

    def all(self, *, view: View) -> Sequence[HostCertificate]:
        """Of all hosts that have or should have one, by name, as far as the view goes."""
        return [
            HostCertificate(host=host, service=service, status=self.status(host))
            for host, service in sorted(self._hosts.all.items())
            if view.service is None or view.service == service
        ]

    async def take(self, kept: KeptCertificate) -> None:
        """Keep this one for its host and use it from now on, whatever was there."""
        async with self._keeping:
            await self._keyring.keep(kept)
            self._memory.kept[kept.host] = kept
        self._memory.records.pop(kept.host, None)
        self._sync()
        self.poke()

    async def give_up(self, host: str) -> KeptCertificate | None:
        """Drop an uploaded one; answers what there was, of any source."""
        kept = self._memory.kept.get(host)
        if kept is None or kept.held.source is not Source.UPLOAD:
            return kept
        async with self._keeping:
            self._memory.kept.pop(host, None)
            self._sync()
            await self._keyring.drop(host)
        self.poke()
        return kept

    # ---- rounds

    async def _round(self) -> None:
        memory = self._memory
        memory.look()
        await self._warn()
        if self._ordering is None:
            return
        memory.forget(self._hosts.all)
        hosts = [host for host in self._hosts.all if self._showcase.file(host) is None]
        for host in due(hosts, memory.situation()):
            memory.began(host)
            self._tasks.spawn(f"certificate {host}", self._order(host, self._ordering))
        if self._ask_at <= self._clock.monotonic():
            self._ask_at = self._clock.monotonic() + ASK_AGAIN
            self._tasks.spawn("certificate renewals", self._ask(self._ordering))

    async def _order(self, host: str, ordering: Ordering) -> None:
        memory = self._memory
        try:
            await memory.save()
            kept = await ordering.obtain(host, memory.kept.get(host))
            await self._issued(kept)
        except PaasError as error:
            wait = float(error.retry_after) if isinstance(error, TooOften) else None
            failure = Failure(code=error.code, message=error.message, advice=error.advice)
            await self._failed(host, failure, wait)
        except Exception:
            log.exception("order of a certificate failed", extra={"host": host})
            await self._failed(host, _INTERNAL, None)
        finally:
            memory.ended(host)
            self.poke()

    async def _issued(self, kept: KeptCertificate) -> None:
        async with self._keeping:
            now = self._memory.kept.get(kept.host)
            if now is not None and now.held.source is Source.UPLOAD:
                return
            await self._keyring.keep(kept)
            self._memory.kept[kept.host] = kept
        self._memory.succeeded(kept.host)
        self._sync()
        await self._keyring.drop_order(kept.host)
        await self._memory.save()
        facts = kept.held.facts
        await self._hosts.tell(
            "certificate.issued",
            kept.host,
            message=f"A certificate for {kept.host} was issued by {facts.issuer}.",
            data={"issuer": facts.issuer, "expires": facts.expires, "names": list(facts.names)},
        )

    async def _failed(self, host: str, failure: Failure, wait: float | None) -> None:
        """Told once for each change of the reason."""
        before = self._memory.failed(host, failure, wait)
        with suppress(PaasError):
            await self._memory.save()
        if before is None or before.code != failure.code:
            message = f"No certificate for {host}: {failure.message}"
            data = {"code": failure.code, "advice": failure.advice}
            await self._hosts.tell("certificate.failed", host, message=message, data=data)

    async def _ask(self, ordering: Ordering) -> None:
        """When the authority wants ours renewed; nothing depends on an answer."""
        ours = [
            one
            for one in self._memory.kept.values()
            if one.host in self._hosts.all and one.held.source is Source.ACME
        ]
        try:
            told = await ordering.renewals(ours) if ours else {}
            for one in ours:
                await self._note_renewal(one, told.get(one.host))
        except PaasError as error:
            log.info("renewal times are not known", extra={"problem": error.message})
        self.poke()

    async def _note_renewal(self, kept: KeptCertificate, at: float | None) -> None:
        """An earlier one counts; a little earlier is chance, which spreads renewals."""
        known = kept.held.renew_at
        if at is None or (known is not None and at > known - DAY):
            return
        await self._keep_held(kept, replace(kept, held=replace(kept.held, renew_at=at)))

    async def _warn(self) -> None:
        """Of certificates that will expire soon, once for each step."""
        wall = self._memory.wall
        for kept in list(self._memory.kept.values()):
            days = alarm(kept.held, wall) if kept.host in self._hosts.all else None
            if days is None:
                continue
            left = max(0.0, kept.held.facts.expires - wall) / DAY
            message = f"The certificate of {kept.host} expires in {left:.1f} days."
            with suppress(PaasError):
                warned = replace(kept, held=replace(kept.held, warned=days))
                await self._keep_held(kept, warned)
                data = {"days": days, "expires": kept.held.facts.expires}
                await self._hosts.tell(
                    "certificate.expiring", kept.host, message=message, data=data
                )

    async def _keep_held(self, before: KeptCertificate, after: KeptCertificate) -> None:
        """Unless it goes, or went meanwhile."""
        host, known = before.host, self._memory.kept
        async with self._keeping:
            if known.get(host) is not before:
                return
            await self._keyring.keep(after)
            if known.get(host) is before:
                known[host] = after
            elif host not in known:
                await self._keyring.drop(host)

    # ---- what is in use

    def _changed(self) -> None:
        self._sync()
        self.poke()

    def _sync(self) -> None:
        """Use what is kept for the hosts there are, and nothing else."""
        kept, hosts = self._memory.kept, self._hosts.all
        self._showcase.show({host: one for host, one in kept.items() if host in hosts})
        for host in [host for host in kept if host not in hosts]:
            held = kept[host].held
            if held.source is Source.UPLOAD or held.facts.expires < self._memory.wall:
                del kept[host]
                self._tasks.spawn("drop certificate", self._drop(host))

    async def _drop(self, host: str) -> None:
        """An upload goes with its domain: whoever has the domain next has no use for it. An
        ordered one stays while it is of use, for the domain may come again.
        """
        async with self._keeping:
            if host not in self._memory.kept:
                await self._keyring.drop(host)


_INTERNAL = Failure(
    code="internal",
    message="An error of paas itself; the log has more.",
    advice="Report it with what the log says.",
)
