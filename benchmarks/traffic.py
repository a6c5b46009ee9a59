"""P1 to P6: requests through the proxy, against peers or against itself."""

from benchmarks.bench import Bench
from benchmarks.loaders import CLOSE, Load
from benchmarks.peers import PEERS, SIZES
from benchmarks.results import US, Result, Target

CPU = "cpu µs/req"
RATE = "MiB/s"
_UPLOAD = SIZES["10m"]
_SPREAD = """
local n = 0
request = function()
  n = (n * 1103515245 + 12345) % 2147483648
  wrk.headers["Host"] = "s" .. (math.floor(n / 65536) % 499 + 1) .. ".bench.localhost"
  return wrk.format()
end
"""


def p1(bench: Bench) -> Result:
    """Keep-alive GET of a small answer."""
    load = Load(name="small")
    targets = (
        Target(load="small", figure=CPU, peer="nginx", at_most=2.0),
        Target(load="small", figure=CPU, peer="caddy", at_most=0.4),
        Target(load="small", figure="p99 ms", peer="nginx", at_most=2.0),
    )
    result = Result(
        id="P1", title="keep-alive GET, 60-byte answer, 64 connections", targets=targets
    )
    bench.interleave(result, (load,), bench.peers(*PEERS))
    return result


def p2(bench: Bench) -> Result:
    """Large answers."""
    loads = (
        Load(name="64 KiB", path="/64k", connections=32, moves=SIZES["64k"]),
        Load(name="10 MiB", path="/10m", connections=8, moves=SIZES["10m"]),
    )
    targets = tuple(
        Target(load=load.name, figure=RATE, peer="nginx", at_least=0.6) for load in loads
    )
    result = Result(id="P2", title="answers of 64 KiB and 10 MiB", targets=targets)
    bench.interleave(result, loads, bench.peers(*PEERS))
    return result


def p3(bench: Bench) -> Result:
    """Large requests."""
    load = Load(name="upload", path="/upload", connections=4, upload=_UPLOAD, moves=_UPLOAD)
    targets = (
        Target(load="upload", figure=RATE, peer="nginx", at_least=0.6),
        Target(load="upload", figure="grown MiB", at_most=4.0),
    )
    result = Result(id="P3", title="uploads of 10 MiB, 4 at a time", targets=targets)
    bench.interleave(result, (load,), bench.peers(*PEERS))
    return result


def p4(bench: Bench) -> Result:
    """A connection for each request."""
    load = Load(name="connect", connections=32, extra=CLOSE)
    targets = (
        Target(load="connect", figure=CPU, peer="nginx", at_most=3.0),
        Target(load="connect", figure=CPU, peer="caddy", at_most=1.0),
    )
    result = Result(id="P4", title="a new connection per request", targets=targets)
    bench.interleave(result, (load,), bench.peers(*PEERS))
    return result


def p5(bench: Bench) -> Result:
    """P1 over TLS, and a new connection per request; wrk resumes its sessions."""
    kept = Load(name="small", scheme="https")
    fresh = Load(name="connect", connections=32, extra=CLOSE, scheme="https")
    targets = (Target(load="small", figure=CPU, peer="caddy", at_most=1.0),)
    result = Result(id="P5", title="P1 over TLS 1.3, ECDSA P-256", targets=targets)
    bench.interleave(result, (kept, fresh), bench.peers(*PEERS, tls=True))
    return result


def p6(bench: Bench) -> Result:
    """A large table: the daemon beside itself."""
    load = Load(name="small")
    targets = (Target(load="small", figure=CPU, peer="one service", at_most=1.05),)
    result = Result(id="P6", title="P1 with 500 services × 10 versions", targets=targets)
    many = bench.daemon(US, services=500, versions=10)
    subjects = {US: many, "one service": bench.daemon("single")}
    bench.interleave(result, (load,), subjects)
    spread = Load(name="spread over 499 hosts", extra=_SPREAD)
    bench.interleave(result, (spread,), {US: many})
    return result
