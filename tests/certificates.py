"""Certificates made in memory, each its own authority."""

import datetime as dt
import ssl
from dataclasses import dataclass
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from paas.adapters.certificates import make_certificate
from paas.live.certificates import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """PEM texts."""

    chain: bytes
    key: bytes

    @property
    def certificate(self) -> Certificate:
        return make_certificate(self.chain, self.key, named="made.pem")


def issue(*names: str, addresses: tuple[str, ...] = (), days: float = 1.0) -> Pair:
    """For those names; valid until `days` from now, so negative ones make it expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, " ".join(names)[:64] or "nobody")]
    )
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    unsigned = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=90))
        .not_valid_after(end)
    )
    hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    hosts += [x509.IPAddress(ip_address(address)) for address in addresses]
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    unsigned = unsigned.add_extension(identifier, critical=False)
    if hosts:
        unsigned = unsigned.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    pem = serialization.Encoding.PEM
    return Pair(
        chain=unsigned.sign(key, hashes.SHA256()).public_bytes(pem),
        key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def trusting(*pairs: Pair) -> ssl.SSLContext:
    """A client that trusts these alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for pair in pairs:
        context.load_verify_locations(cadata=pair.chain.decode("ascii"))
    return context
