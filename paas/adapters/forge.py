"""The `Forge` port over `cryptography`: ECDSA keys of P-256, which every client knows and
whose handshakes are cheap.
"""

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from paas.adapters.certificates import read_leaf
from paas.core.certifying import Facts

PEM = serialization.Encoding.PEM
ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_OCTET_STRING = b"\x04\x20"
"""DER: 32 bytes follow."""


class KeyForge:
    """Everything in memory; nothing waits."""

    def new_key(self) -> str:
        return _pem(ec.generate_private_key(ec.SECP256R1()))

    def request(self, key: str, names: tuple[str, ...]) -> str:
        private = serialization.load_pem_private_key(key.encode(), password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([]))
            .add_extension(_names(names), critical=False)
            .sign(private, hashes.SHA256())
        )
        return request.public_bytes(PEM).decode("ascii")

    def read(self, chain: str) -> Facts:
        leaf, names = read_leaf(chain.encode(), named="the chain")
        return Facts(
            names=tuple(sorted(names)),
            issuer=_issuer(leaf.issuer),
            begins=leaf.not_valid_before_utc.timestamp(),
            expires=leaf.not_valid_after_utc.timestamp(),
        )

    def proof(self, name: str, authorization: str) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        digest = _OCTET_STRING + hashlib.sha256(authorization.encode()).digest()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme challenge")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(_names((name,)), critical=False)
            .add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, digest), critical=True)
            .sign(key, hashes.SHA256())
        )
        return made.public_bytes(PEM).decode("ascii"), _pem(key)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain).decode("ascii")


def _names(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


def _issuer(name: x509.Name) -> str:
    """What people call the authority."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found = name.get_attributes_for_oid(kind)
        if found:
            return str(found[0].value)
    return name.rfc4514_string()
