"""TLS on real connections: names and certificates, damage, limits, and what requests see."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import replace

import pytest

from paas.proxy.accesslog import AccessLog, json_line
from tests.certificates import issue, trusting
from tests.integration.proxy.conftest import QUICK, Stage, hello, over_both
from tests.integration.proxy.doors import LOCAL, ask, publish
from tests.integration.proxy.origin import reply, sends
from tests.integration.proxy.test_proxy_preface import V1, Lines
from tests.integration.proxy.wire import Wire, until

secure = pytest.mark.parametrize("stage", ["tls"], indirect=True)
OTHER = issue("other.example", "*.other.example")


async def connect(stage: Stage, name: str | None, context: ssl.SSLContext | None = None) -> Wire:
    """A connection that asks for that name, None for none."""
    assert stage.listener is not None
    if context is None:
        context = trusting(hello(), OTHER)
        context.check_hostname = name is not None
    wire = await Wire.open(stage.listener.port, tls=context, name=name or "")
    stage.wires.append(wire)
    return wire


async def raw(stage: Stage) -> Wire:
    """A connection that may send anything."""
    assert stage.listener is not None
    wire = await Wire.open(stage.listener.port)
    stage.wires.append(wire)
    return wire


def shown(wire: Wire) -> set[str]:
    """The names in the certificate that the client was shown."""
    read = wire.writer.get_extra_info("ssl_object").getpeercert()
    return {name for _, name in read["subjectAltName"]}


async def ended(wire: Wire) -> bytes:
    """What still came; a reset is an end too."""
    with suppress(ConnectionError):
        return await wire.bytes_until_end()
    return b""


# ---- names and certificates


@secure
async def test_the_server_name_chooses_the_certificate(stage: Stage) -> None:
    await stage.start()
    stage.proxy.certificates.put("other", OTHER.certificate)
    for name in ("other.example", "a.other.example", "HELLO.localhost", "x.hello.localhost"):
        assert name.lower().removeprefix("a.").removeprefix("x.") in shown(
            await connect(stage, name)
        )
    assert "hello.localhost" in shown(await connect(stage, None))


@secure
@pytest.mark.parametrize("name", ["nobody.example", "a.b.other.example", "localhost"])
async def test_an_unknown_server_name_is_refused(stage: Stage, name: str) -> None:
    await stage.start()
    stage.proxy.certificates.put("other", OTHER.certificate)
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        await connect(stage, name)
    assert stage.proxy.counters.errors == {"unknown_server_name": 1}
    await until(lambda: stage.proxy.connections == 0)


@secure
async def test_without_any_certificate_nobody_gets_in(stage: Stage) -> None:
    await stage.start()
    stage.proxy.certificates.remove("hello")
    for name in ("hello.localhost", None):
        with pytest.raises(ssl.SSLError, match="unrecognized name"):
            await connect(stage, name)


@secure
async def test_a_certificate_is_replaced_while_connections_go_on(stage: Stage) -> None:
    await stage.start()
    old = await stage.wire()
    successor = issue("hello.localhost")
    stage.proxy.certificates.put("hello", successor.certificate)
    new = await connect(stage, "hello.localhost", trusting(successor))
    assert shown(new) == {"hello.localhost"}
    for wire in (old, new):
        wire.send(ask())
        assert (await wire.response()).status == 200


@secure
async def test_sessions_are_resumed_after_a_change_of_certificates(stage: Stage) -> None:
    await stage.start()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = trusting(hello())
        context.maximum_version = version
        session = await asyncio.to_thread(_resumes, stage, context, None)
        stage.proxy.certificates.put("hello", hello().certificate)
        assert await asyncio.to_thread(_resumes, stage, context, session)


def _resumes(
    stage: Stage, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """One request on a connection of its own, with that session or a new one, which it
    returns.
    """
    assert stage.listener is not None
    with socket.create_connection(("127.0.0.1", stage.listener.port), 5) as plain:
        one = context.wrap_socket(plain, server_hostname="hello.localhost", session=session)
        with one:
            one.sendall(ask())
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
            assert one.session_reused is (session is not None)
            return one.session


@secure
async def test_what_is_spoken(stage: Stage) -> None:
    await stage.start()
    context = trusting(hello())
    for offered, spoken in ((["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), (["x"], None)):
        context.set_alpn_protocols(offered)
        wire = await connect(stage, "hello.localhost", context)
        session = wire.writer.get_extra_info("ssl_object")
        assert session.selected_alpn_protocol() == spoken
    assert (session.version(), session.compression()) == ("TLSv1.3", None)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    old = (await connect(stage, "hello.localhost", context)).writer.get_extra_info("ssl_object")
    assert "GCM" in old.cipher()[0]
    context.set_ciphers("ECDHE+AES:!AESGCM:!AESCCM")
    with pytest.raises(ssl.SSLError, match="handshake failure"):
        await connect(stage, "hello.localhost", context)
    assert stage.proxy.counters.errors == {"bad_handshake": 1}


# ---- damage and limits


@secure
@pytest.mark.parametrize("data", [ask(), b"\x00" * 100, b"\x16\x03\x01\xff\xff", b"\xff" * 9000])
async def test_what_is_no_handshake_is_closed(stage: Stage, data: bytes) -> None:
    await stage.start(replace(QUICK, handshake_seconds=0.2))
    wire = await raw(stage)
    wire.send(data)
    assert len(await ended(wire)) < 100
    assert sum(stage.proxy.counters.errors.values()) == 1
    await until(lambda: stage.proxy.connections == 0)
    await stage.check_well()


@secure
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_server_name_that_is_no_ascii(stage: Stage) -> None:
    await stage.start()
    outgoing = ssl.MemoryBIO()
    client = trusting(hello()).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="abcd.example")
    assert not _shaken(client)
    wire = await raw(stage)
    wire.send(outgoing.read().replace(b"abcd", b"\xe9\xe9\xe9\xe9"))
    assert len(await ended(wire)) < 100
    assert stage.proxy.counters.errors == {"unknown_server_name": 1}


@secure
async def test_a_damaged_record_ends_the_connection(stage: Stage) -> None:
    await stage.start()
    wire = await stage.wire()
    wire.send(ask())
    assert (await wire.response()).status == 200
    sock = wire.writer.get_extra_info("socket")
    os.write(sock.fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with suppress(ssl.SSLError):
        assert await ended(wire) == b""
    await until(lambda: stage.proxy.connections == 0)
    await stage.check_well()


@secure
async def test_a_handshake_byte_by_byte(stage: Stage) -> None:
    await stage.start()
    wire = await raw(stage)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(hello()).wrap_bio(incoming, outgoing, server_hostname="hello.localhost")
    while not _shaken(client):
        for byte in outgoing.read():
            wire.send(bytes([byte]))
            await wire.writer.drain()
        incoming.write(await wire.reader.read(65536))
    client.write(ask())
    wire.send(outgoing.read())  # together with the end of the handshake
    incoming.write(await wire.reader.readuntil(b"\x17\x03\x03"))
    await until(lambda: len(stage.origin.seen) == 1)


def _shaken(client: ssl.SSLObject) -> bool:
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@secure
async def test_a_handshake_has_its_time(stage: Stage) -> None:
    await stage.start(replace(QUICK, handshake_seconds=0.1))
    silent = await raw(stage)
    await until(lambda: stage.proxy.connections == 1)
    assert await ended(silent) == b""
    assert stage.proxy.counters.errors == {"handshake_timeout": 1}
    assert stage.proxy.connections == 0


@secure
async def test_connections_in_handshake_count(stage: Stage) -> None:
    await stage.start(replace(QUICK, connections=2, connections_per_address=1))
    silent = await raw(stage)
    await until(lambda: stage.proxy.connections == 1)
    assert await ended(await raw(stage)) == b""
    assert stage.proxy.counters.refused_connections == 1
    silent.close()
    await until(lambda: stage.proxy.connections == 0)
    await stage.check_well()
    assert stage.proxy.counters.errors == {}


@secure
async def test_a_drain_does_not_wait_for_handshakes(stage: Stage) -> None:
    await stage.start()
    await raw(stage)
    await until(lambda: stage.proxy.connections == 1)
    await stage.proxy.drain(3.0)
    assert stage.proxy.connections == 0


@secure
async def test_an_end_is_told_and_answered(stage: Stage) -> None:
    """Ours before the socket's end, so that the client knows that nothing was cut off."""
    await stage.start()
    wire = await stage.wire()
    wire.send(ask(b"Connection: close"))
    assert (await wire.response()).body == b"ok"
    assert await wire.bytes_until_end() == b""
    first = await asyncio.to_thread(_unwraps, stage)
    assert first == b""


def _unwraps(stage: Stage) -> bytes:
    """Ends with close_notify and waits for the other side's; what came behind that."""
    assert stage.listener is not None
    plain = socket.create_connection(("127.0.0.1", stage.listener.port), 5)
    with trusting(hello()).wrap_socket(plain, server_hostname="hello.localhost") as one:
        one.sendall(ask())
        assert one.recv(65536).startswith(b"HTTP/1.1 200")
        with one.unwrap() as below:
            return below.recv(100)


@secure
async def test_large_bodies_both_ways(stage: Stage) -> None:
    await stage.start()
    body = bytes(range(256)) * 8192
    for size in (1, 16_383, 16_384, 16_385, len(body)):
        wire = await stage.wire()
        wire.send(b"POST / HTTP/1.1\r\nHost: hello.localhost\r\nContent-Length: %d\r\n\r\n" % size)
        wire.send(body[:size])
        assert (await wire.response()).body == body[:size]
    assert stage.origin.seen[-1].body == body


# ---- what requests see


@over_both
async def test_the_scheme_is_told(stage: Stage) -> None:
    sink = Lines()
    access = AccessLog(json_line, sink)
    await stage.start(access=access)
    assert (await stage.ask(ask(b"X-Forwarded-Proto: gopher"))).status == 200
    scheme = "https" if stage.secure else "http"
    (seen,) = stage.origin.seen
    assert seen.field("x-forwarded-proto") == scheme
    assert seen.field("forwarded") == f"for=127.0.0.1;host=hello.localhost;proto={scheme}"
    await access.flush()
    assert f'"scheme":"{scheme}"'.encode() in sink.lines[0]


@secure
async def test_redirects_lead_to_the_secure_port_and_end_there(stage: Stage) -> None:
    await stage.start()
    publish(stage, redirect_https=True)
    assert stage.listener is not None
    assert (await stage.ask(ask())).status == 200
    secure_port = stage.listener.port
    plain = await stage.proxy.listen("127.0.0.1", 0)
    wire = await Wire.open(plain.port)
    stage.wires.append(wire)
    wire.send(ask(host=b"hello.localhost:8080"))
    got = await wire.response()
    assert got.field("location") == f"https://hello.localhost:{secure_port}/x"


async def test_behind_a_proxy_https_is_where_the_proxy_has_it(stage: Stage) -> None:
    await stage.start(trusted=LOCAL)
    publish(stage, redirect_https=True)
    await stage.proxy.listen("127.0.0.1", 0, secure=True)
    got = await stage.ask(ask(b"X-Forwarded-Proto: http"))
    assert got.field("location") == "https://hello.localhost/x"


@over_both
async def test_the_cookie_is_for_the_scheme_it_came_by(stage: Stage) -> None:
    await stage.start()
    publish(stage, sticky=True)
    cookie = (await stage.ask(ask())).field("set-cookie") or ""
    assert cookie.startswith("paas-version=hello-001; Path=/; HttpOnly; SameSite=Lax")
    assert cookie.endswith("; Secure") is stage.secure


@over_both
async def test_browsers_are_told_by_https_alone_to_stay_with_it(stage: Stage) -> None:
    await stage.start()
    publish(stage, hsts=300)
    told = (await stage.ask(ask())).field("strict-transport-security")
    assert told == ("max-age=300" if stage.secure else None)


@secure
async def test_a_host_that_the_certificate_does_not_cover(stage: Stage) -> None:
    await stage.start()
    publish(stage)
    wire = await stage.wire()
    for host, status in (
        (b"hello.localhost:443", 200),
        (b"other.hello.localhost", 404),
        (b"www.example", 421),
        (b"hello.localhost", 200),
    ):
        wire.send(ask(host=host))
        got = await wire.response()
        assert (got.status, host) == (status, host)
    assert stage.proxy.counters.errors == {"no_such_host": 1, "misdirected_request": 1}
    nameless = await connect(stage, None)
    nameless.send(ask(host=b"www.example"))
    assert (await nameless.response()).status == 200


# ---- behind a proxy that announces its clients


@secure
async def test_a_preface_comes_before_the_handshake(stage: Stage) -> None:
    await stage.start(trusted=LOCAL, proxy_protocol=True)
    wire = await raw(stage)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting(hello()).wrap_bio(incoming, outgoing, server_hostname="hello.localhost")
    assert not _shaken(client)
    wire.send(V1 + outgoing.read())
    while not _shaken(client):
        incoming.write(await wire.reader.read(65536))
    client.write(ask())
    wire.send(outgoing.read())
    await until(lambda: len(stage.origin.seen) == 1)
    assert stage.origin.seen[0].field("x-forwarded-for") == "192.0.2.7"
    assert stage.origin.seen[0].field("x-forwarded-proto") == "https"
    without = await raw(stage)
    without.send(ask())
    assert await ended(without) == b""
    assert stage.proxy.counters.errors == {"bad_preface": 1}


# ---- leaving


@secure
async def test_a_large_answer_to_a_client_that_vanishes(stage: Stage) -> None:
    await stage.start()
    stage.origin.answer = sends(reply(b"x" * 30_000_000))
    wire = await stage.wire(receive_buffer=4096)
    wire.send(ask())
    async with asyncio.timeout(5):
        await wire.reader.readuntil(b"\r\n\r\n")
    wire.reset()
    await until(lambda: stage.target.in_flight == 0)
    stage.origin.answer = sends(reply(b"ok"))
    await stage.check_well()
