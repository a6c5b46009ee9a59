"""What the API answers about certificates."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class CertificateProblem(BaseModel):
    """Why the last try to get one failed."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    advice: str


class Certificate(BaseModel):
    """`state` is about the one in use: `pending` while the first is ordered, `failed` when
    there is none that is valid. `source` says where it came from: the settings' files, an
    upload, an authority. A `problem` may be that of a renewal, of which `next_try` is the
    next; `renews` is when the renewal is due.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal["none", "pending", "valid", "failed"]
    source: Literal["file", "upload", "acme"] | None = None
    issuer: str | None = None
    names: list[str] = []
    issued: Time | None = None
    expires: Time | None = None
    renews: Time | None = None
    problem: CertificateProblem | None = None
    next_try: Time | None = None


class HostCertificate(BaseModel):
    """`service` is null for the base domain's wildcard, which is for all of them."""

    model_config = ConfigDict(frozen=True)

    host: str
    service: str | None
    certificate: Certificate


class HostCertificates(BaseModel):
    model_config = ConfigDict(frozen=True)

    items: list[HostCertificate]
