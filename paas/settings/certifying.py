"""The settings of certificates from an authority (`docs/https.md`)."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, model_validator

from paas.settings.strictness import STRICT
from paas.settings.values import off, one_or_many

USUAL = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


def _directory(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme != "https" or not parts.hostname):
        raise ValueError("empty, or the https:// URL of an authority's directory")
    return value


class Acme(BaseModel):
    """Certificates that an authority issues, by the protocol ACME."""

    model_config = STRICT

    enabled: bool = False
    """Order certificates for the custom domains of services, and renew them."""
    directory: Annotated[str, AfterValidator(_directory)] = ""
    """URL of the authority's directory; empty: Let's Encrypt."""
    staging: bool = False
    """Use Let's Encrypt's staging directory: for trying, no browser trusts it."""
    email: str = ""
    """Where the authority writes to; empty: nowhere."""
    ca_file: str = ""
    """PEM file of the roots by which a private authority is known; empty: the usual ones."""
    profile: str = ""
    """The kind of certificate, where the authority offers several; empty: its usual one."""
    challenge: Literal["auto", "http-01", "tls-alpn-01", "dns-01"] = "auto"
    """How hosts are proved; auto: by port 80 if it is ours, else by port 443."""
    base_domain: Annotated[Literal["off", "hosts", "wildcard"], BeforeValidator(off)] = "off"
    """Also for `<service>.<base_domain>`, one each, or one wildcard for all, by DNS."""
    dns_hook: Annotated[list[str], BeforeValidator(one_or_many)] = []
    """Program and arguments that set and clear a TXT record."""
    check_dns: bool = True
    """Order only for domains that have an address."""

    @property
    def url(self) -> str:
        """The directory in use."""
        return self.directory or (STAGING if self.staging else USUAL)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        by_dns = self.challenge == "dns-01" or self.base_domain == "wildcard"
        if self.enabled and by_dns and not self.dns_hook:
            raise ValueError("complete: dns-01 and the wildcard need dns_hook")
        if self.directory and self.staging:
            raise ValueError("unambiguous: staging is for an empty directory")
        return self
