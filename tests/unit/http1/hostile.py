"""Requests that must be refused, each with the status that says why.

The numbers are those of the cases the proxy must pass (docs/http.md); one table serves
the parser's tests, the tests over real sockets and the positive control.
"""

from tests.unit.http1.hostile_framing import HOSTILE_FRAMING
from tests.unit.http1.hostile_heads import HOSTILE_HEADS
from tests.unit.http1.requests import HOST, chunked, get, line, post

HOSTILE: dict[str, tuple[bytes, int]] = HOSTILE_FRAMING | HOSTILE_HEADS

__all__ = ["HOST", "HOSTILE", "chunked", "get", "line", "post"]
