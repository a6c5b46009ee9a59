"""The parts that are about certificates, put together."""

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.certified_hosts import Base, CertifiedHosts
from paas.control.certifier import Certifier
from paas.control.ordering import Ordering
from paas.control.outside import Outside
from paas.control.own_certificates import OwnCertificates
from paas.control.showcase import Showcase
from paas.control.views import Urls
from paas.core.certifying import Challenge, challenge_for
from paas.settings import Acme


class Certification:
    """`certifier` works by itself, `own` is for callers."""

    def __init__(
        self,
        acme: Acme,
        outside: Outside,
        *,
        catalog: Catalog,
        urls: Urls,
        tasks: Tasks,
    ) -> None:
        office, clock = outside.office, outside.clock
        showcase = Showcase(urls.certificates, outside.use_certificate)
        ordering = None

        def kind(host: str) -> Challenge:
            return challenge_for(
                host, acme.challenge, plain=urls.plain_ports, secure=urls.secure_ports
            )

        if office.authority is not None:
            ordering = Ordering(
                office,
                office.authority,
                showcase=showcase,
                clock=clock,
                kind=kind,
                check_dns=acme.check_dns,
            )
        base = Base(domain=urls.base_domain, certificates=acme.base_domain)
        self.certifier = Certifier(
            office=office,
            ordering=ordering,
            hosts=CertifiedHosts(catalog=catalog, clock=clock, base=base),
            showcase=showcase,
            clock=clock,
            tasks=tasks,
        )
        self.own = OwnCertificates(
            forge=office.forge,
            make=outside.use_certificate,
            certifier=self.certifier,
            catalog=catalog,
            clock=clock,
        )
