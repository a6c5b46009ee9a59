"""An authority's checks on real connections, beside everybody else's requests."""

import hashlib
import ssl

import pytest

from paas.adapters.certificates import usable_certificate
from paas.adapters.forge import KeyForge
from paas.live.challenges import PROTOCOL
from tests.certificates import trusting
from tests.integration.proxy.conftest import Stage, hello, over_both
from tests.integration.proxy.wire import Wire, until

secure = pytest.mark.parametrize("stage", ["tls"], indirect=True)
PATH = b"/.well-known/acme-challenge/t1"


def get(path: bytes, host: bytes = b"hello.localhost", method: bytes = b"GET") -> bytes:
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (method, path, host)


@over_both
async def test_a_proof_is_answered_by_us_and_all_else_by_the_service(stage: Stage) -> None:
    await stage.start()
    stage.proxy.certificates.challenges.show(
        "hello.localhost", token="t1", authorization="t1.thumb"
    )
    wire = await stage.wire()
    wire.send(get(PATH))
    assert (await wire.response()).body == b"t1.thumb"
    assert stage.origin.seen == []
    wire.send(get(PATH, method=b"HEAD"))
    assert (await wire.response("HEAD")).status == 200
    for other in (PATH + b"2", PATH[:-1], PATH + b"?x", b"/"):
        wire.send(get(other))
        assert (await wire.response()).body != b"t1.thumb"
    assert len(stage.origin.seen) == 4
    stage.proxy.certificates.challenges.hide("hello.localhost")
    wire.send(get(PATH))
    assert (await wire.response()).body != b"t1.thumb"


async def test_a_proof_is_for_its_host_alone_and_needs_no_service(stage: Stage) -> None:
    await stage.start()
    stage.proxy.certificates.challenges.show("new.example", token="t1", authorization="t1.thumb")
    assert (await stage.ask(get(PATH, b"new.example:8080"))).body == b"t1.thumb"
    assert (await stage.ask(get(PATH, b"NEW.example."))).body == b"t1.thumb"
    assert (await stage.ask(get(PATH, b"other.example"))).status == 404
    assert (await stage.ask(get(PATH))).body != b"t1.thumb"


@secure
async def test_a_check_by_tls_sees_the_proof_and_nobody_else_does(stage: Stage) -> None:
    await stage.start()
    shown = KeyForge().proof("hello.localhost", "t1.thumb")
    stage.proxy.certificates.challenges.show_certificate(
        "hello.localhost", usable_certificate(*shown).context
    )
    assert stage.listener is not None
    check = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    check.check_hostname, check.verify_mode = False, ssl.CERT_NONE
    check.set_alpn_protocols([PROTOCOL])
    wire = await Wire.open(stage.listener.port, tls=check, name="hello.localhost")
    session = wire.writer.get_extra_info("ssl_object")
    assert session.selected_alpn_protocol() == PROTOCOL
    digest = hashlib.sha256(b"t1.thumb").digest()
    assert b"\x04\x22\x04\x20" + digest in session.getpeercert(binary_form=True)
    assert await wire.bytes_until_end() == b""
    assert (await stage.ask(get(b"/"))).status == 200
    with pytest.raises(ssl.SSLError):
        await Wire.open(stage.listener.port, tls=check, name="nobody.example")
    stage.proxy.certificates.challenges.hide("hello.localhost")
    again = await Wire.open(stage.listener.port, tls=check, name="hello.localhost")
    assert again.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) != b""
    for one in (again, wire, *stage.wires):
        one.drop()
    await until(lambda: stage.proxy.connections == 0)


@secure
async def test_a_check_that_comes_byte_by_byte(stage: Stage) -> None:
    """Its protocol may be torn apart."""
    await stage.start()
    shown = KeyForge().proof("hello.localhost", "t1.thumb")
    stage.proxy.certificates.challenges.show_certificate(
        "hello.localhost", usable_certificate(*shown).context
    )
    assert stage.listener is not None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    check = trusting(hello())
    check.check_hostname, check.verify_mode = False, ssl.CERT_NONE
    check.set_alpn_protocols([PROTOCOL])
    session = check.wrap_bio(incoming, outgoing, server_hostname="hello.localhost")
    wire = await Wire.open(stage.listener.port)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    for byte in outgoing.read():
        wire.send(bytes([byte]))
        await wire.writer.drain()
    incoming.write(await wire.reader.read(65536))
    session.do_handshake()
    assert session.selected_alpn_protocol() == PROTOCOL
    wire.drop()
