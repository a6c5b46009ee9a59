"""Load: `wrk` on the core that the proxy does not use, and what it tells."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmarks.peers import HOST
from benchmarks.programs import LOAD_CORE

_SCRIPT = Template("""
wrk.method = "$method"
wrk.headers["Host"] = "$host"
$extra
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('JSON {"requests": %d, "micros": %d, "bytes": %d, ' ..
    '"p50": %d, "p99": %d, "max": %d, "errors": %d}',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99), latency.max,
    e.connect + e.read + e.write + e.status + e.timeout))
end
""")
CLOSE = 'wrk.headers["Connection"] = "close"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked of every subject. `upload` bytes of body make it a POST; `moves` is
    the size whose throughput counts, 0 where the number of requests does; `scheme` may be
    https.
    """

    name: str
    path: str = "/"
    connections: int = 64
    upload: int = 0
    extra: str = ""
    moves: int = 0
    scheme: str = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What one run of the loader saw; latencies in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    longest: float
    errors: int


def run_wrk(load: Load, port: int, *, seconds: float, folder: Path, urgent: bool = False) -> Loaded:
    """Put that load on the port for so long, then wait for the answers under way.

    An urgent one goes before everything else on its core: it stands for other machines.
    """
    script = folder / "load.lua"
    body = f'wrk.body = string.rep("x", {load.upload})\n' if load.upload else ""
    method = "POST" if load.upload else "GET"
    script.write_text(_SCRIPT.substitute(method=method, host=HOST, extra=body + load.extra))
    arguments = ["chrt", "--rr", "1"] if urgent and os.geteuid() == 0 else []
    arguments += ["taskset", "-c", str(LOAD_CORE), "wrk", "--threads", "1", "--timeout", "20s"]
    arguments += [
        "--connections",
        str(load.connections),
        "--duration",
        f"{max(1, round(seconds))}s",
    ]
    arguments += ["--script", str(script), f"{load.scheme}://127.0.0.1:{port}{load.path}"]
    done = subprocess.run(
        arguments, check=True, capture_output=True, text=True, timeout=seconds + 60
    )
    found = json.loads(done.stdout.rpartition("JSON ")[2])
    return Loaded(
        requests=max(1, found["requests"]),
        seconds=found["micros"] / 1e6,
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
        longest=found["max"] / 1e3,
        errors=found["errors"],
    )
