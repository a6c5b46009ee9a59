"""From what is known of a certificate to the API's shape."""

from datetime import UTC, datetime

from paas.api import answers_certificates as answers
from paas.control.certifier import HostCertificate
from paas.core.certifying import CertificateStatus


def host(known: HostCertificate) -> answers.HostCertificate:
    return answers.HostCertificate(
        host=known.host, service=known.service, certificate=certificate(known.status)
    )


def certificate(known: CertificateStatus) -> answers.Certificate:
    facts, failure = known.facts, known.failure
    problem = None
    if failure is not None:
        problem = answers.CertificateProblem(
            code=failure.code, message=failure.message, advice=failure.advice
        )
    return answers.Certificate(
        state=known.state.value,
        source=known.source.value if known.source else None,
        issuer=(facts.issuer or None) if facts else None,
        names=list(facts.names) if facts else [],
        issued=_time(facts.begins or None) if facts else None,
        expires=_time(facts.expires) if facts else None,
        renews=_time(known.renews),
        problem=problem,
        next_try=_time(known.next_try),
    )


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
