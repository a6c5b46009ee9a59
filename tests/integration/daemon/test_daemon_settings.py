"""The proxy's settings reach it through the daemon, which needs no engine for that."""

import json
import socket
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from paas.core.addresses import parse_address
from paas.daemon import Daemon
from paas.errors import Invalid, Unavailable
from paas.settings import Api, Docker, Proxy, Settings
from tests.certificates import Pair, issue, trusting
from tests.integration.proxy.wire import Wire


def settings(folder: Path, **proxy: object) -> Settings:
    return Settings(
        data_dir=folder,
        docker=Docker(host=f"unix://{folder}/no-engine.sock"),
        api=Api(listen="127.0.0.1:0"),
        proxy=Proxy.model_validate({"http": ["127.0.0.1:0"], **proxy}),
    )


async def test_a_request_through_a_preface_becomes_a_line(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    wanted = {
        "trusted": ["127.0.0.0/8"],
        "proxy_protocol": "accept",
        "access_log": "json",
        "access_log_file": str(log),
    }
    # A unix socket's path is at most 108 bytes: pytest's own folders can be longer.
    with TemporaryDirectory(prefix="paas-") as folder:
        async with AsyncExitStack() as stack:
            daemon = await Daemon.build(settings(Path(folder), **wanted), stack)
            await daemon.start()
            port = int(daemon.control.urls.listening[0].rpartition(":")[2])
            wire = await Wire.open(port)
            wire.send(b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n")
            wire.send(b"GET /x HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
            assert (await wire.response()).code == "no_such_host"
            wire.close()
            await wire.writer.wait_closed()
            await daemon.drain()
    (line,) = log.read_text().splitlines()
    read = json.loads(line)
    assert (read["client"], read["target"], read["status"]) == ("192.0.2.7", "/x", 404)


async def test_an_address_of_ipv6(tmp_path: Path) -> None:
    with TemporaryDirectory(prefix="paas-") as folder:
        async with AsyncExitStack() as stack:
            daemon = await Daemon.build(settings(Path(folder), http=["[::1]:0"]), stack)
            await daemon.start()
            (address,) = daemon.control.urls.listening
            host, port = parse_address(address)
            assert host == "::1"
            with socket.create_connection((host, port), 5):
                pass
            await daemon.drain()


async def test_an_access_log_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    wrong = settings(tmp_path, access_log="json", access_log_file=str(tmp_path / "no/such.log"))
    async with AsyncExitStack() as stack:
        with pytest.raises(Unavailable, match="cannot be opened"):
            await Daemon.build(wrong, stack)


def https(folder: Path, pair: Pair, name: str) -> dict[str, object]:
    """Settings that listen with that certificate."""
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(pair.chain)
    key.write_bytes(pair.key)
    files = {"certificate": str(chain), "key": str(key)}
    return {"https": ["127.0.0.1:0"], "certificates": [files]}


async def test_https_with_certificates_from_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = issue("*.localhost", days=-1)
    with TemporaryDirectory(prefix="paas-") as folder:
        async with AsyncExitStack() as stack:
            wanted = settings(Path(folder), **https(tmp_path, pair, "shop"))
            daemon = await Daemon.build(wanted, stack)
            assert "certificate has expired" in caplog.text
            await daemon.start()
            urls = daemon.control.urls
            http, port = (int(address.rpartition(":")[2]) for address in urls.listening)
            assert urls.of("shop") == (f"https://shop.localhost:{port}/",)
            assert urls.host("shop.example") == f"http://shop.example:{http}/"
            context = trusting(pair)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it has expired
            wire = await Wire.open(port, tls=context, name="shop.localhost")
            wire.send(b"GET /x HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
            assert (await wire.response()).code == "no_such_host"
            wire.close()
            await wire.writer.wait_closed()
            await daemon.drain()


async def test_a_certificate_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    wrong = https(tmp_path, Pair(chain=issue("a.b").chain, key=issue("a.b").key), "shop")
    async with AsyncExitStack() as stack:
        with pytest.raises(Invalid, match=r"does not belong to the certificate in .*/shop\.pem"):
            await Daemon.build(settings(tmp_path, **wrong), stack)
