"""Which socket that was handed over stands for which address of the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paas.core.addresses import address_text, parse_address
from paas.errors import Invalid

_EVERY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not listened on
_SETTINGS = {"http": "proxy.http", "https": "proxy.https", "api": "api.listen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A listening socket that somebody else keeps open: its name there and its address."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        return address_text(self.host, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to listen: on the held socket of that index, else on the address."""

    address: str
    held: int | None = None


def places(held: Sequence[Held], wanted: Mapping[str, Sequence[str]]) -> dict[str, list[Place]]:
    """For each of `http`, `https` and `api` in `wanted` (with its addresses) where it listens.

    A socket belongs to what its name says, else to what has its address. It takes the
    place of its address; one that only its name assigns takes the place of the first
    address without a socket, because what the unit says is what is open to the world.
    Raises `Invalid` (`unwanted_socket`) for a socket that has no use here: it would hold
    clients that nobody ever answers.
    """
    kinds = [_kind(one, wanted) for one in held]
    return {
        kind: _filled(addresses, {i: held[i] for i, found in enumerate(kinds) if found == kind})
        for kind, addresses in wanted.items()
    }


def _kind(held: Held, wanted: Mapping[str, Sequence[str]]) -> str:
    if held.name in wanted:
        if wanted[held.name]:
            return held.name
        setting = _SETTINGS.get(held.name, held.name)
        raise _unwanted(held, f"{setting} is empty", f"Set {setting}, or disable that socket unit")
    for kind, addresses in wanted.items():
        if any(_same(held, address) for address in addresses):
            return kind
    names = ", ".join(wanted)
    raise _unwanted(
        held,
        f"no setting has that address and its name {held.name!r} is none of {names}",
        "Give it one of these names (FileDescriptorName=), or its address to proxy.http",
    )


def _filled(addresses: Sequence[str], held: Mapping[int, Held]) -> list[Place]:
    by_address: dict[str, int] = {}
    for index, one in held.items():
        same = (each for each in addresses if each not in by_address and _same(one, each))
        if (address := next(same, None)) is not None:
            by_address[address] = index
    rest = iter(held.keys() - by_address.values())
    chosen = [
        Place(
            address=address, held=by_address[address] if address in by_address else next(rest, None)
        )
        for address in addresses
    ]
    return [*chosen, *(Place(address=str(held[index]), held=index) for index in rest)]


def _same(held: Held, address: str) -> bool:
    host, port = parse_address(address)
    return port == held.port and (host == held.host or {host, held.host} <= _EVERY)


def _unwanted(held: Held, problem: str, advice: str) -> Invalid:
    return Invalid(
        f"The service manager holds {held} for this daemon, but {problem}.",
        code="unwanted_socket",
        advice=f"{advice}.",
    )
