import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from paas.adapters.certificates import make_certificate, read_certificate
from paas.errors import Invalid
from tests.certificates import issue

PEM = serialization.Encoding.PEM
PAIR = issue("Shop.example", "*.shop.example", addresses=("192.0.2.1", "2001:db8::1"))


def refused(chain, key):
    with pytest.raises(Invalid) as caught:
        make_certificate(chain, key, named="shop.pem")
    assert caught.value.code == "bad_certificate"
    assert caught.value.advice
    assert "shop.pem" in caught.value.message
    return caught.value.message


def test_names_and_end_come_from_the_certificate(tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(PAIR.chain + issue("authority.example").chain)
    key.write_bytes(PAIR.key)
    read = read_certificate(chain, key)
    assert read.names == {"shop.example", "*.shop.example", "192.0.2.1", "[2001:db8::1]"}
    left = read.expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < left < dt.timedelta(hours=25)


def test_one_file_may_hold_both(tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(PAIR.key + PAIR.chain)
    assert "shop.example" in read_certificate(both, both).names


def test_an_expired_one_is_usable():
    assert issue("a.example", days=-1).certificate.expires < dt.datetime.now(dt.UTC)


def test_files_that_cannot_be_read_are_named(tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes(PAIR.chain)
    for files, wrong in (
        ((tmp_path / "no.pem", chain), "no.pem"),
        ((chain, tmp_path), str(tmp_path)),
    ):
        with pytest.raises(Invalid, match="cannot be read") as caught:
            read_certificate(*files)
        assert wrong in caught.value.message
        assert "proxy.certificates" in caught.value.advice


@pytest.mark.parametrize("chain", [b"", b"nonsense", PAIR.key, PAIR.chain[:200], b"\xff" * 99])
def test_what_is_no_certificate(chain):
    assert "no certificate" in refused(chain, PAIR.key)


def test_one_without_names():
    bare = issue()
    assert "names no host" in refused(bare.chain, bare.key)


def test_a_key_of_another_certificate():
    assert "does not belong" in refused(PAIR.chain, issue("shop.example").key)


def test_a_key_with_a_password():
    key = serialization.load_pem_private_key(PAIR.key, None)
    locked = key.private_bytes(
        PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    assert "cannot be used" in refused(PAIR.chain, locked)


@pytest.mark.parametrize("key", [b"", PAIR.chain, b"nonsense"])
def test_what_is_no_key(key):
    assert "cannot be used" in refused(PAIR.chain, key)


def test_a_key_that_is_too_short():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak")])
    now = dt.datetime.now(dt.UTC)
    weak = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    assert "too weak" in refused(weak.public_bytes(PEM), pem)
