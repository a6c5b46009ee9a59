"""Certificates from PEM: what is checked before a server shows one.

Chain and key go from memory to OpenSSL, which only reads files, through a file without
a name, so that no key is ever written to a disk.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

from paas.errors import Invalid
from paas.live.certificates import Certificate, server_context

if TYPE_CHECKING:
    from cryptography import x509


def read_certificate(chain: Path, key: Path) -> Certificate:
    """The certificate in that file with the key in that one. Raises `Invalid`
    (`bad_certificate`); one that has expired is none the less usable.
    """
    return make_certificate(_read(chain), _read(key), named=str(chain))


def make_certificate(chain: bytes, key: bytes, *, named: str) -> Certificate:
    """The same from PEM texts; `named` stands in errors."""
    leaf, names = read_leaf(chain, named=named)
    context = server_context()
    try:
        with _file(chain) as chain_file, _file(key) as key_file:
            context.load_cert_chain(chain_file, key_file, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise _unusable(named, error) from error
    return Certificate(names=names, expires=leaf.not_valid_after_utc, context=context)


def usable_certificate(chain: str, key: str) -> Certificate:
    """The same for one that is neither in a file nor has a name."""
    return make_certificate(chain.encode(), key.encode(), named="the upload")


def read_leaf(chain: bytes, *, named: str) -> tuple["x509.Certificate", frozenset[str]]:
    """The first certificate of a chain, and the hosts in it. Raises `Invalid`
    (`bad_certificate`).
    """
    from cryptography import x509  # noqa: PLC0415 - most daemons have no certificate: 1.7 MiB

    try:
        leaf = x509.load_pem_x509_certificates(chain)[0]
        names = _names(leaf)
    except ValueError as error:
        raise _bad(f"There is no certificate in PEM form in {named}.", _CHAIN) from error
    if not names:
        raise _bad(f"The certificate in {named} names no host.", _NAMES)
    return leaf, names


_CHAIN = "Give the file with the full chain, the host's own certificate first."
_NAMES = "Have it issued with the host names as subject alternative names."
_KEY = "Give the private key that belongs to the certificate, in PEM form without a password."


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _bad(
            f"{path} cannot be read: {error.strerror}.",
            "Correct the path in proxy.certificates, or let the daemon's user read the file.",
        ) from error


def _bad(message: str, advice: str) -> Invalid:
    return Invalid(message, code="bad_certificate", advice=advice)


def _unusable(named: str, error: Exception) -> Invalid:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return _bad(f"The key does not belong to the certificate in {named}.", _KEY)
    if reason in _TOO_WEAK:
        return _bad(f"The certificate in {named} is too weak to be accepted.", _STRONGER)
    return _bad(f"Certificate and key of {named} cannot be used.", _KEY)


_TOO_WEAK = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})
_STRONGER = "Have one issued with an ECDSA key of P-256 or an RSA key of 2048 bits or more."


def _names(leaf: "x509.Certificate") -> frozenset[str]:
    """Host names and addresses, as they stand in URLs."""
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    hosts = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    addresses = found.get_values_for_type(x509.IPAddress)
    hosts += [f"[{one}]" if isinstance(one, IPv6Address) else str(one) for one in addresses]
    return frozenset(hosts)


def _no_password() -> bytes:
    """Asked for when the key is encrypted; without this OpenSSL would ask the terminal."""
    raise ValueError("the key is encrypted")


@contextmanager
def _file(content: bytes) -> Iterator[str]:
    """A path to it, in memory."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
