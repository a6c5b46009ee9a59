"""An authority, a DNS and a zone in memory, with a keyring in real files."""

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from paas.adapters.forge import KeyForge
from paas.adapters.keyring import FileKeyring
from paas.adapters.secrets import AesVault
from paas.errors import Failed, PaasError
from paas.ports import Authority, KeptCertificate, Office, Order, Proof, Request

DAY = 86400.0


class FakeAuthority:
    """Issues what it is asked for, after `check` of the proof. `troubles` are raised instead:
    at `begin` under the name and at `finish` under `finish NAME`. `days` is the lifetime of
    what it issues; `pass_` holds `finish` back while it is cleared.
    """

    directory = "https://authority.test/directory"

    def __init__(self) -> None:
        self.troubles: dict[str, PaasError] = {}
        self.check: Callable[[Proof], Awaitable[None]] | None = None
        self.days = 90.0
        self.accounts: set[str] = set()
        self.begun: list[str] = []
        self.issued: list[str] = []
        self.wanted: dict[str, float | None] = {}
        self.pass_ = asyncio.Event()
        self.pass_.set()
        self._orders: dict[str, str] = {}
        self._chains: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())

    async def begin(self, request: Request) -> Order:
        name = _name(request.csr)
        self.begun.append(name)
        self._stumble(name)
        self.accounts.add(request.account_key)
        url = request.order
        if self._orders.get(url) != name:
            url = f"{self.directory}/order/{next(self._numbers)}"
            self._orders[url] = name
        if url in self._chains:
            return Order(url=url, proofs=())
        number = url.rpartition("/")[2]
        proof = Proof(
            name=name.removeprefix("*."),
            token=f"token{number}",
            authorization=f"token{number}.thumb",
            record=f"record{number}",
        )
        return Order(url=url, proofs=(proof,))

    async def finish(self, request: Request) -> str:
        name = self._orders[request.order]
        await self.pass_.wait()
        self._stumble(f"finish {name}")
        if request.order not in self._chains:
            if self.check is not None:
                number = request.order.rpartition("/")[2]
                await self.check(
                    Proof(
                        name=name.removeprefix("*."),
                        token=f"token{number}",
                        authorization=f"token{number}.thumb",
                        record=f"record{number}",
                    )
                )
            self._chains[request.order] = self._sign(request.csr)
            self.issued.append(name)
        return self._chains[request.order]

    async def renewals(
        self, account_key: str, chains: Mapping[str, str]
    ) -> Mapping[str, float | None]:
        return {host: self.wanted.get(host) for host in chains}

    def _stumble(self, where: str) -> None:
        if where in self.troubles:
            raise self.troubles[where]

    def _sign(self, csr: str) -> str:
        request = x509.load_pem_x509_csr(csr.encode())
        now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Fake authority")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(issuer)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + dt.timedelta(days=self.days))
        )
        for extension in request.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        made = builder.sign(self._key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


class FakeNames:
    """Every host has an address, but for those in `unknown`."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.odd = ""

    async def look(self, host: str) -> str:
        if host in self.unknown:
            raise Failed(f"The DNS has no address for {host}.", code="dns_unresolved")
        return self.odd


class FakeZone:
    """`records` by name; `log` tells all calls."""

    def __init__(self) -> None:
        self.records: dict[str, str] = {}
        self.log: list[tuple[str, str]] = []

    async def put(self, name: str, text: str) -> None:
        self.records[name] = text
        self.log.append(("put", name))

    async def clear(self, name: str, text: str) -> None:
        assert self.records.pop(name) == text
        self.log.append(("clear", name))


class HeldKeyring(FileKeyring):
    """Certificates are kept only while `pass_` is set."""

    def __init__(self, folder: Path, *, vault: AesVault, new_key: Callable[[], str]) -> None:
        super().__init__(folder, vault=vault, new_key=new_key)
        self.pass_ = asyncio.Event()
        self.pass_.set()
        self.held = 0

    async def keep(self, certificate: KeptCertificate) -> None:
        self.held += 1
        await self.pass_.wait()
        self.held -= 1
        await super().keep(certificate)


def office(
    data: Path,
    vault: AesVault,
    *,
    authority: Authority | None = None,
    names: FakeNames | None = None,
    zone: FakeZone | None = None,
) -> Office:
    """An office whose keyring is in `data`; without an authority nothing is ordered."""
    forge = KeyForge()
    return Office(
        keyring=HeldKeyring(data / "certificates", vault=vault, new_key=forge.new_key),
        forge=forge,
        names=names or FakeNames(),
        zone=zone or FakeZone(),
        authority=authority,
    )


def _name(csr: str) -> str:
    request = x509.load_pem_x509_csr(csr.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (name,) = names.get_values_for_type(x509.DNSName)
    return str(name)
