"""The certificates of all hosts: which there are, which are ordered, what becomes of them.

A healing loop looks at what is wanted, what there is and what failed, and lets
`core.certifying` decide. Each order is a task of its own, so that one domain's trouble is no
other's. What is in use was kept before.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.memory import CertificateMemory
from paas.control.ordering import Office, Ordering
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
from paas.core.model import Event, Failure, Service
from paas.errors import PaasError, TooOften
from paas.live.certificates import Certificates
from paas.ports import Clock, KeptCertificate

log = logging.getLogger(__name__)

ROUND = 10.0
"""Seconds between two looks where nothing happens."""
ASK_AGAIN = 6 * HOUR
"""Between two questions when certificates should be renewed."""
WILDCARD, HOSTS = "wildcard", "hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base domain, and what is ordered for it: `off`, `hosts` or `wildcard`."""

    domain: str
    certificates: str


class Certifier:
    """Use `load` before listening, then `run`. Without `ordering` nothing is ordered, and what
    was uploaded is used all the same.
    """

    def __init__(
        self,
        *,
        office: Office,
        ordering: Ordering | None,
        catalog: Catalog,
        certificates: Certificates,
        clock: Clock,
        tasks: Tasks,
        base: Base,
    ) -> None:
        self._office = office
        self._ordering = ordering
        self._catalog = catalog
        self._certificates = certificates
        self._files = certificates.all
        self._clock = clock
        self._tasks = tasks
        self._base = base
        self._memory = CertificateMemory(
            office.keyring,
            clock,
            directory=office.authority.directory if office.authority else "",
        )
        self._hosts: dict[str, str | None] = {}
        self._installed: set[str] = set()
        self._keeping = asyncio.Lock()
        self._work = asyncio.Event()
        self._ask_at = float("-inf")
        self._loaded = False
        catalog.observe(self._changed)

    async def load(self) -> None:
        """Use what is kept. Call it when the catalog is loaded."""
        await self._memory.load()
        self._loaded = True
        self._hosts = self._wanted()
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
        found = next((one for one in self._files if one.covers(host)), None)
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
        if host not in self._hosts:
            return NO_CERTIFICATE
        return status(host, self._memory.about(host), ordered=self._ordering is not None)

    async def take(self, kept: KeptCertificate) -> None:
        """Keep this one for its host and use it from now on, whatever was there."""
        async with self._keeping:
            await self._office.keyring.keep(kept)
            self._memory.kept[kept.host] = kept
        self._memory.records.pop(kept.host, None)
        self._sync(anew=kept.host)
        self.poke()

    async def give_up(self, host: str) -> KeptCertificate | None:
        """Drop an uploaded one; answers what there was, of any source."""
        kept = self._memory.kept.get(host)
        if kept is None or kept.held.source is not Source.UPLOAD:
            return kept
        async with self._keeping:
            self._memory.kept.pop(host, None)
            self._sync()
            await self._office.keyring.drop(host)
        self.poke()
        return kept

    # ---- rounds

    async def _round(self) -> None:
        memory = self._memory
        memory.look()
        await self._warn()
        if self._ordering is None:
            return
        memory.forget(self._hosts)
        hosts = [host for host in self._hosts if not any(one.covers(host) for one in self._files)]
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
            await self._office.keyring.keep(kept)
            self._memory.kept[kept.host] = kept
        self._memory.succeeded(kept.host)
        self._sync(anew=kept.host)
        await self._office.keyring.drop_order(kept.host)
        await self._memory.save()
        facts = kept.held.facts
        await self._tell(
            "certificate.issued",
            kept.host,
            f"A certificate for {kept.host} was issued by {facts.issuer}.",
            {"issuer": facts.issuer, "expires": facts.expires, "names": list(facts.names)},
        )

    async def _failed(self, host: str, failure: Failure, wait: float | None) -> None:
        """Told once for each change of the reason."""
        before = self._memory.failed(host, failure, wait)
        with suppress(PaasError):
            await self._memory.save()
        if before is None or before.code != failure.code:
            message = f"No certificate for {host}: {failure.message}"
            data = {"code": failure.code, "advice": failure.advice}
            await self._tell("certificate.failed", host, message, data)

    async def _ask(self, ordering: Ordering) -> None:
        """When the authority wants ours renewed; nothing depends on an answer."""
        ours = [
            one
            for one in self._memory.kept.values()
            if one.host in self._hosts and one.held.source is Source.ACME
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
            days = alarm(kept.held, wall) if kept.host in self._hosts else None
            if days is None:
                continue
            left = max(0.0, kept.held.facts.expires - wall) / DAY
            message = f"The certificate of {kept.host} expires in {left:.1f} days."
            with suppress(PaasError):
                warned = replace(kept, held=replace(kept.held, warned=days))
                await self._keep_held(kept, warned)
                data = {"days": days, "expires": kept.held.facts.expires}
                await self._tell("certificate.expiring", kept.host, message, data)

    async def _keep_held(self, before: KeptCertificate, after: KeptCertificate) -> None:
        async with self._keeping:
            if self._memory.kept.get(before.host) is before:
                await self._office.keyring.keep(after)
                self._memory.kept[before.host] = after

    async def _tell(self, kind: str, host: str, message: str, data: Mapping[str, object]) -> None:
        service = self._hosts.get(host)
        event = Event(
            kind=kind,
            time=self._clock.time(),
            message=message,
            service=service,
            data={"host": host, **data},
        )
        log.info(kind, extra={"host": host, "detail": message})
        with suppress(PaasError):
            await self._catalog.record(event)

    # ---- what is wanted and in use

    def _wanted(self) -> dict[str, str | None]:
        """The hosts that have or should have certificates, with their services."""
        services = self._catalog.services()
        wanted: dict[str, str | None] = {
            domain.name: service.name for service in services for domain in service.domains
        }
        base = self._base
        if base.certificates == HOSTS:
            wanted |= {f"{one.name}.{base.domain}": one.name for one in services}
        elif base.certificates == WILDCARD:
            wanted[f"*.{base.domain}"] = None
        return wanted

    def _changed(self, before: Service | None, after: Service | None) -> None:
        known = before.domains if before is not None else None
        now = after.domains if after is not None else None
        if self._loaded and known != now:
            self._hosts = self._wanted()
            self._sync()
            self.poke()

    def _sync(self, *, anew: str = "") -> None:
        """Use what is kept for the hosts that are wanted, and nothing else; `anew`: that one
        was replaced.
        """
        wanted, kept = self._hosts, self._memory.kept
        for host in self._installed - (wanted.keys() & kept.keys()):
            self._certificates.remove(_key(host))
            self._installed.discard(host)
        for host in wanted.keys() & kept.keys():
            if host not in self._installed or host == anew:
                self._install(kept[host])
        gone = [
            host
            for host, one in kept.items()
            if host not in wanted and one.held.source is Source.UPLOAD
        ]
        for host in gone:
            del kept[host]
            self._tasks.spawn("drop certificate", self._drop(host))

    def _install(self, kept: KeptCertificate) -> None:
        try:
            certificate = self._office.use(kept.chain, kept.key)
        except PaasError as error:
            fields = {"host": kept.host, "problem": error.message}
            log.warning("certificate cannot be used", extra=fields)
            return
        self._certificates.put(_key(kept.host), certificate)
        self._installed.add(kept.host)

    async def _drop(self, host: str) -> None:
        """An upload goes with its domain: whoever has the domain next has no use for it."""
        async with self._keeping:
            if host not in self._memory.kept:
                await self._office.keyring.drop(host)


_INTERNAL = Failure(
    code="internal",
    message="An error of paas itself; the log has more.",
    advice="Report it with what the log says.",
)


def _key(host: str) -> str:
    """Files of the settings are known by their paths."""
    return f"host {host}"
