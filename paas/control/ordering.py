"""One order for a certificate, step by step: read `obtain` first.

A crash between any two steps leaves what the next try goes on from: the account's key is
kept before the account is made, the order and its key before the certificate exists. So
there is never a second account, and what was issued can still be fetched.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from paas.control.showcase import Showcase
from paas.core.certifying import Challenge, Held, Source
from paas.errors import Failed, PaasError
from paas.ports import (
    Authority,
    Clock,
    KeptCertificate,
    Office,
    Order,
    PendingOrder,
    Proof,
    Request,
)

log = logging.getLogger(__name__)

HOPELESS = frozenset({"validation_failed", "order_refused", "challenge_not_offered"})
"""After these an order leads nowhere any more."""
RECORD = "_acme-challenge."


class Ordering:
    """Orders certificates; `kind` says how a host is proved."""

    def __init__(
        self,
        office: Office,
        authority: Authority,
        *,
        showcase: Showcase,
        clock: Clock,
        kind: Callable[[str], Challenge],
        check_dns: bool,
    ) -> None:
        self._office = office
        self._authority = authority
        self._showcase = showcase
        self._clock = clock
        self._kind = kind
        self._check_dns = check_dns

    async def obtain(self, host: str, before: KeptCertificate | None) -> KeptCertificate:
        """A new certificate for the host; `before` is the one that it replaces. Raises what
        `Authority`, `Keyring`, `NameServers` and `Zone` do.
        """
        kind, keyring = self._kind(host), self._office.keyring
        odd = await self._look(host, kind)
        account = await keyring.account(self._authority.directory)
        pending = await self._pending(host, before)
        csr = self._office.forge.request(pending.key, (host,))
        request = Request(account_key=account, csr=csr, kind=kind, order=pending.url)
        try:
            order = await self._authority.begin(request)
            if order.url != pending.url:
                await keyring.keep_order(host, replace(pending, url=order.url))
            async with self._shown(order, kind):
                chain = await self._authority.finish(replace(request, order=order.url))
        except Failed as error:
            if error.code in HOPELESS:
                await keyring.drop_order(host)
            raise _explained(error, odd) from error
        return KeptCertificate(
            host=host, chain=chain, key=pending.key, held=self._held(chain), order=order.url
        )

    async def renewals(self, kept: list[KeptCertificate]) -> dict[str, float]:
        """When the authority wants them renewed, wall time; without those it says nothing of."""
        account = await self._office.keyring.account(self._authority.directory)
        told = await self._authority.renewals(account, {one.host: one.chain for one in kept})
        return {host: at for host, at in told.items() if at is not None}

    # ---- private

    async def _look(self, host: str, kind: Challenge) -> str:
        """Before the authority is bothered."""
        if not self._check_dns or kind is Challenge.DNS:
            return ""
        return await self._office.names.look(host)

    async def _pending(self, host: str, before: KeptCertificate | None) -> PendingOrder:
        """What a former try left, unless the present certificate came of it, or it was
        another authority's.
        """
        pending, directory = await self._office.keyring.order(host), self._authority.directory
        used = pending is None or (before is not None and before.order == pending.url)
        if pending is not None and not used and pending.directory == directory:
            return pending
        return PendingOrder(url="", directory=directory, key=self._office.forge.new_key())

    def _held(self, chain: str) -> Held:
        return Held(
            facts=self._office.forge.read(chain),
            source=Source.ACME,
            obtained=self._clock.time(),
            directory=self._authority.directory,
        )

    @asynccontextmanager
    async def _shown(self, order: Order, kind: Challenge) -> AsyncIterator[None]:
        """While it lasts, the proofs can be seen."""
        try:
            for proof in order.proofs:
                await self._show(proof, kind)
            yield
        finally:
            for proof in order.proofs:
                await self._hide(proof, kind)

    async def _show(self, proof: Proof, kind: Challenge) -> None:
        match kind:
            case Challenge.HTTP:
                self._showcase.challenges.show(
                    proof.name, token=proof.token, authorization=proof.authorization
                )
            case Challenge.TLS:
                made = self._office.forge.proof(proof.name, proof.authorization)
                self._showcase.prove(proof.name, *made)
            case Challenge.DNS:
                await self._office.zone.put(RECORD + proof.name, proof.record)

    async def _hide(self, proof: Proof, kind: Challenge) -> None:
        self._showcase.challenges.hide(proof.name)
        if kind is Challenge.DNS:
            with suppress(PaasError):
                await self._office.zone.clear(RECORD + proof.name, proof.record)


def _explained(error: Failed, odd: str) -> Failed:
    if not odd or error.code != "validation_failed":
        return error
    return Failed(f"{error.message} {odd}", code=error.code, advice=error.advice)
