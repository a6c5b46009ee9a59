"""What containers may reach of this host, as rules of a packet filter.

Pure. Every rule stands in a chain of our own, which only what comes from a bridge of
ours enters; there is no rule about anybody else's traffic.
"""

import ipaddress
import re
from dataclasses import dataclass

# Where clouds tell a machine its credentials: link-local, Alibaba's and Oracle's.
METADATA = ("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32")
_INTERFACE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,14}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """One network of ours as the kernel has it; `purpose` is one letter of its chains."""

    interface: str
    gateway: str
    purpose: str

    def __post_init__(self) -> None:
        if not _INTERFACE.fullmatch(self.interface):
            raise ValueError(f"not the name of an interface: {self.interface!r}")
        ipaddress.IPv4Address(self.gateway)


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Ports of this host that containers may reach: `internal` (first and last) at the
    gateway's address, `host` at every address.
    """

    internal: tuple[int, int] | None = None
    host: tuple[int, ...] = ()


def chains(installation: str, bridge: Bridge) -> tuple[str, str]:
    """Names of the chains for what is meant for the host, and for what goes through it."""
    stem = f"PAAS-{installation[:8]}-{bridge.purpose}"
    return f"{stem}-IN", f"{stem}-OUT"


def rules(installation: str, bridge: Bridge, openings: Openings) -> str:
    """Both chains for `iptables-restore --noflush`, which swaps them in at once.

    What our own listeners are for is accepted, whatever the host's firewall says of
    strangers; DNS and open ports are left to that firewall; the rest is refused. Clouds
    answer DNS at link-local addresses, so that goes through. Containers of one bridge are
    kept apart by the engine, too, unless it was told to make no rules.
    """
    into, through = chains(installation, bridge)
    lines = ["*filter", f":{into} - [0:0]", f":{through} - [0:0]"]
    lines.append(f"-A {into} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
    if openings.internal is not None:
        first, last = openings.internal
        lines.append(f"-A {into} -d {bridge.gateway}/32 -p tcp --dport {first}:{last} -j ACCEPT")
    lines += [f"-A {into} -p tcp --dport {port} -j RETURN" for port in (*openings.host, 53)]
    lines.append(f"-A {into} -p udp --dport 53 -j RETURN")
    lines.append(f"-A {into} -p icmp -j RETURN")
    lines.append(f"-A {into} -j REJECT")
    lines.append(f"-A {through} -o {bridge.interface} -j REJECT")
    lines += [f"-A {through} -p {kind} --dport 53 -j RETURN" for kind in ("udp", "tcp")]
    lines += [f"-A {through} -d {network} -j REJECT" for network in METADATA]
    return "\n".join([*lines, "COMMIT", ""])


def stale_jumps(listing: str, chain: str, interface: str) -> tuple[list[list[str]], bool]:
    """What `iptables -S` lists of jumps to our chain: the specifications of those for
    an interface that is no longer ours, and whether the wanted one is there.
    """
    stale, there = [], False
    for line in listing.splitlines():
        words = line.split()
        if words[-2:] != ["-j", chain] or words[:1] != ["-A"]:
            continue
        if words[2:4] == ["-i", interface] and not there:
            there = True
        else:
            stale.append(words[1:])
    return stale, there
