"""What every `Authority` does: the fake in memory, and the real client with pebble."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas.adapters.authority import Account, AcmeAuthority
from paas.adapters.certificates import usable_certificate
from paas.adapters.forge import KeyForge
from paas.core.certifying import Challenge
from paas.errors import Failed, Unavailable
from paas.ports import Authority, Order, Request
from tests.certificates import issue
from tests.e2e.authority import Authority as Pebble
from tests.e2e.daemon import free_port
from tests.fakes.certifying import FakeAuthority

FORGE = KeyForge()


@dataclass
class Site:
    """Who answers the authority's checks, from `pages`."""

    authority: Authority
    pages: dict[str, str] = field(default_factory=dict)
    plans_renewals: bool = False

    def show(self, order: Order) -> None:
        for proof in order.proofs:
            self.pages[f"/.well-known/acme-challenge/{proof.token}"] = proof.authorization


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = Path(tmp_path_factory.mktemp("pebble"))
    pages: dict[str, str] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "nothing").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    real = Pebble(folder, http_port=server.server_address[1], tls_port=free_port())
    try:
        real.start()
        account = Account(directory=real.directory, ca_file=str(real.ca_file))
        yield Site(AcmeAuthority(account), pages, real.plans_renewals)
    finally:
        real.close()
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["fake", "pebble"])
def site(request: pytest.FixtureRequest) -> Site:
    if request.param == "pebble":
        found: Site = request.getfixturevalue("pebble")
        return found
    fake = FakeAuthority()
    site = Site(fake)

    async def check(proof) -> None:
        path = f"/.well-known/acme-challenge/{proof.token}"
        if site.pages.get(path) != proof.authorization:
            raise Failed("It is not there.", code="validation_failed")

    fake.check = check
    return site


def request_for(host: str, account_key: str) -> tuple[Request, str]:
    key = FORGE.new_key()
    csr = FORGE.request(key, (host,))
    return Request(account_key=account_key, csr=csr, kind=Challenge.HTTP), key


async def test_an_order_from_beginning_to_end(site: Site) -> None:
    request, key = request_for("shop.test", FORGE.new_key())
    order = await site.authority.begin(request)
    (proof,) = order.proofs
    assert proof.name == "shop.test"
    assert proof.authorization.startswith(proof.token + ".")
    site.show(order)
    chain = await site.authority.finish(replace(request, order=order.url))
    assert usable_certificate(chain, key).covers("shop.test")
    assert FORGE.read(chain).names == ("shop.test",)


async def test_an_order_goes_on_and_what_was_issued_can_be_fetched_again(site: Site) -> None:
    request, _ = request_for("again.test", FORGE.new_key())
    begun = await site.authority.begin(request)
    resumed = replace(request, order=begun.url)
    assert await site.authority.begin(resumed) == begun
    site.show(begun)
    chain = await site.authority.finish(resumed)
    assert (await site.authority.begin(resumed)).proofs == ()
    assert await site.authority.finish(resumed) == chain


async def test_an_order_that_is_of_no_use_is_replaced(site: Site) -> None:
    request, _ = request_for("lost.test", FORGE.new_key())
    order = await site.authority.begin(request)
    lost = replace(request, order=order.url + "x")
    assert (await site.authority.begin(lost)).url not in (order.url, lost.order)


async def test_what_is_not_proved_is_refused(site: Site) -> None:
    request, _ = request_for("liar.test", FORGE.new_key())
    order = await site.authority.begin(request)
    with pytest.raises(Failed) as refused:
        await site.authority.finish(replace(request, order=order.url))
    assert refused.value.code == "validation_failed"
    assert refused.value.advice or isinstance(site.authority, FakeAuthority)


async def test_an_authority_may_say_when_to_renew(site: Site) -> None:
    """Debian's pebble does not; newer ones do, and this was tried with one of 2026."""
    key = FORGE.new_key()
    request, _ = request_for("renew.test", key)
    order = await site.authority.begin(request)
    site.show(order)
    chain = await site.authority.finish(replace(request, order=order.url))
    told = await site.authority.renewals(key, {"renew.test": chain})
    if not site.plans_renewals:
        assert told == {"renew.test": None}
        return
    validity, moment = FORGE.read(chain), told["renew.test"]
    assert moment is not None
    assert validity.begins < moment < validity.expires


# ---- only what can be tried with the real one


async def test_a_challenge_that_is_not_offered(pebble: Site) -> None:
    request, _ = request_for("*.wild.test", FORGE.new_key())
    with pytest.raises(Failed) as refused:
        await pebble.authority.begin(request)
    assert refused.value.code == "challenge_not_offered"


@pytest.mark.parametrize("directory", ["https://127.0.0.1:9/dir", "https://nobody.invalid/dir"])
async def test_nobody_there(directory: str) -> None:
    request, _ = request_for("shop.test", FORGE.new_key())
    with pytest.raises(Unavailable) as refused:
        await AcmeAuthority(Account(directory=directory)).begin(request)
    assert refused.value.code == "authority_unreachable"


async def test_one_whose_certificate_is_not_trusted(pebble: Site) -> None:
    request, _ = request_for("shop.test", FORGE.new_key())
    stranger = AcmeAuthority(Account(directory=pebble.authority.directory))
    with pytest.raises(Unavailable, match="cannot be talked to"):
        await stranger.begin(request)


@pytest.mark.parametrize(
    "strange", ["no json", "[]", '{"suggestedWindow": null}', '{"suggestedWindow": {"start": "x"}}']
)
async def test_what_it_says_of_one_renewal_is_no_trouble_of_the_others(
    tmp_path: Path, strange: str
) -> None:
    own = issue("localhost", addresses=("127.0.0.1",))
    ca_file = tmp_path / "authority.pem"
    ca_file.write_bytes(own.chain)
    window = {"start": "2040-01-01T00:00:00Z", "end": "2040-01-01T00:00:00Z"}
    answers = iter([strange, json.dumps({"suggestedWindow": window})])

    async def directory(request: web.Request) -> web.Response:
        return web.json_response({"renewalInfo": f"https://{request.host}/renewals"})

    async def renewals(_: web.Request) -> web.Response:
        return web.Response(text=next(answers), content_type="application/json")

    app = web.Application()
    app.router.add_get("/dir", directory)
    app.router.add_get("/renewals/{certificate}", renewals)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=own.certificate.context)
    try:
        account = Account(directory=f"https://127.0.0.1:{server.port}/dir", ca_file=str(ca_file))
        chains = {host: issue(host).chain.decode() for host in ("first.test", "second.test")}
        told = await AcmeAuthority(account).renewals(FORGE.new_key(), chains)
    finally:
        await server.close()
    assert told == {"second.test": 2208988800.0}


async def test_one_that_never_answers_is_given_up() -> None:
    """The process is gone when the call returns: it held the connection."""
    gone, came = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        while await reader.read(4096):
            pass
        gone.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        hole = AcmeAuthority(Account(directory=f"https://127.0.0.1:{port}/"), seconds=5)
        request, _ = request_for("shop.test", FORGE.new_key())
        with pytest.raises(Unavailable):
            await hole.begin(request)
        assert came.is_set()
        async with asyncio.timeout(5):
            await gone.wait()
