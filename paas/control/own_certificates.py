"""Certificates that people bring themselves, for domains of their services."""

from paas.control.catalog import Catalog
from paas.control.certifier import Certifier
from paas.control.showcase import MakeCertificate
from paas.core.certifying import CertificateStatus, Held, Source
from paas.core.model import Event
from paas.errors import FieldError, Invalid, NotFound
from paas.ports import Clock, Forge, KeptCertificate


class OwnCertificates:
    """Each change is durable and in use when the call returns."""

    def __init__(
        self,
        *,
        forge: Forge,
        make: MakeCertificate,
        certifier: Certifier,
        catalog: Catalog,
        clock: Clock,
    ) -> None:
        self._forge = forge
        self._make = make
        self._certifier = certifier
        self._catalog = catalog
        self._clock = clock

    async def put(
        self, service: str, domain: str, *, chain: str, key: str, actor: str
    ) -> CertificateStatus:
        """Use that certificate for the domain. Raises `NotFound` (`no_such_domain`),
        `Invalid` (`bad_certificate`, `other_host`, `certificate_expired`).
        """
        self._check(service, domain)
        kept = self._checked(domain, chain, key)
        await self._certifier.take(kept)
        await self._tell("certificate.uploaded", service, domain, actor, "was uploaded")
        return self._certifier.status(domain)

    async def delete(self, service: str, domain: str, *, actor: str) -> None:
        """Use the uploaded one no more. Raises `NotFound` (`no_such_domain`,
        `no_such_certificate`).
        """
        self._check(service, domain)
        kept = await self._certifier.give_up(domain)
        if kept is None or kept.held.source is not Source.UPLOAD:
            raise NotFound(
                f"No certificate was uploaded for {domain}.",
                code="no_such_certificate",
                advice="Those that are ordered go with their domain.",
            )
        await self._tell("certificate.removed", service, domain, actor, "was removed")

    def _check(self, service: str, domain: str) -> None:
        found = self._catalog.get(service)
        if all(one.name != domain for one in found.domains):
            raise NotFound(
                f"{service} has no domain {domain!r}.",
                code="no_such_domain",
                advice="Add the domain first, then its certificate.",
            )

    def _checked(self, domain: str, chain: str, key: str) -> KeptCertificate:
        certificate, facts = self._make(chain, key), self._forge.read(chain)
        if not certificate.covers(domain):
            raise _wrong(
                f"The certificate is for {', '.join(facts.names[:10])}, not for {domain}.",
                "other_host",
            )
        now = self._clock.time()
        if facts.expires <= now:
            raise _wrong("The certificate has expired.", "certificate_expired")
        held = Held(facts=facts, source=Source.UPLOAD, obtained=now)
        return KeptCertificate(host=domain, chain=chain, key=key, held=held)

    async def _tell(self, kind: str, service: str, domain: str, actor: str, what: str) -> None:
        event = Event(
            kind=kind,
            time=self._clock.time(),
            message=f"The certificate of {domain} {what}.",
            actor=actor,
            service=service,
            data={"host": domain},
        )
        await self._catalog.record(event)


def _wrong(message: str, code: str) -> Invalid:
    return Invalid(
        message,
        code=code,
        advice="Have one issued that names the domain and is still valid.",
        fields=(FieldError(field="certificate", message="must be valid for the domain"),),
    )
