"""Calls on certificates: all there are, and those that people bring themselves."""

from typing import Any

from paas.api import answers_certificates, render_certificates
from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema import Nothing
from paas.api.schema_certificates import OwnCertificate
from paas.core.access import Scope

PATH = "/v1/services/{service}/domains/{domain}/certificate"


async def list_certificates(
    call: Call[NoQuery, Nothing],
) -> answers_certificates.HostCertificates:
    found = call.context.certificates.certifier.all(view=call.view)
    items = [render_certificates.host(one) for one in found]
    return answers_certificates.HostCertificates(items=items)


async def put_certificate(
    call: Call[NoQuery, OwnCertificate],
) -> answers_certificates.Certificate:
    known = await call.context.certificates.own.put(
        call.path("service"),
        call.path("domain").lower(),
        chain=call.body.certificate,
        key=call.body.key,
        actor=call.actor,
    )
    return render_certificates.certificate(known)


async def delete_certificate(call: Call[NoQuery, Nothing]) -> None:
    await call.context.certificates.own.delete(
        call.path("service"), call.path("domain").lower(), actor=call.actor
    )


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="GET",
        path="/v1/certificates",
        operation="listCertificates",
        summary="All hosts that have or should have a certificate, with its state",
        handler=list_certificates,
        needs=Scope.READ,
        filtered=True,
        answer=answers_certificates.HostCertificates,
    ),
    Route(
        method="PUT",
        path=PATH,
        operation="putCertificate",
        summary="Use a certificate of one's own for the domain",
        handler=put_certificate,
        needs=Scope.ADMIN,
        body=OwnCertificate,
        answer=answers_certificates.Certificate,
        errors=(404, 422, 507),
    ),
    Route(
        method="DELETE",
        path=PATH,
        operation="deleteCertificate",
        summary="Use the uploaded certificate no more; one is ordered where that is on",
        handler=delete_certificate,
        needs=Scope.ADMIN,
        status=204,
        errors=(404, 507),
    ),
)
