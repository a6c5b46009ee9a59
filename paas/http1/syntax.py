"""The grammar that the parser library leaves open, as patterns and small checks."""

import re
from dataclasses import dataclass
from functools import lru_cache

from paas.http1.events import NO_TOKENS

MAX_LENGTH = 2**63 - 1

METHODS = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS PATCH QUERY ACL BIND CHECKOUT COPY LINK LOCK"
    b" M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND"
    b" REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/([0-9])\.([0-9])\r\n")
QUOTED = rb"\"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+\""
CHUNK_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,16})((?:;" + TOKEN + rb"(?:=(?:" + TOKEN + rb"|" + QUOTED + rb"))?)*+)"
)
"""Size and extensions (RFC 9112, section 7.1.1) without the white space that a recipient
would have to tolerate: readers disagree about it, and nobody needs it.
"""
TRAILER_LINE = re.compile(TOKEN + rb":[\t -~\x80-\xff]*")

BROKEN_LINE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""A bare LF, a bare CR or a control byte: wrong anywhere in a head or chunk line."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?")
_HOST = re.compile(rb"([A-Za-z0-9._\-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{0,5}))?")
_USUAL_STATUS = 64
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(.*)", re.DOTALL)
_USUAL_TOKENS = {token: frozenset({token}) for token in (b"keep-alive", b"close", b"upgrade")}


@dataclass(frozen=True, slots=True)
class StatusLine:
    """An answer's first line, for HTTP/1.`minor`."""

    minor: int
    status: int
    reason: bytes


def status_line(line: bytes) -> StatusLine | None:
    """What a status line says, without its line end; None when it is malformed."""
    return _usual_status(line) if len(line) <= _USUAL_STATUS else _read_status(line)


def length_value(value: bytes) -> int | None:
    """A Content-Length value as a number; None when it is not plain digits below 2^63."""
    number = int(value) if value.isdigit() and len(value) < 20 else MAX_LENGTH + 1
    return number if number <= MAX_LENGTH else None


@lru_cache(maxsize=1024)
def host_value(authority: bytes) -> str | None:
    """The normal form of a Host value: lower case, no port, no trailing dot.

    None when it is empty or holds anything but a name or address and a port.
    """
    match = _HOST.fullmatch(authority)
    if match is None or int(match[2] or 0) > 65535:
        return None
    return match[1].decode("ascii").lower().rstrip(".") or None


def split_absolute(target: bytes) -> tuple[bytes, bytes] | None:
    """Authority and path with query of `http://authority/path`, or None. An empty path
    stays empty, unless there is a query.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        return None
    path = match[2]
    return match[1], b"/" + path if path.startswith(b"?") else path


def tokens(values: list[bytes] | None) -> frozenset[bytes]:
    """The lower-case members of comma-separated lists."""
    if not values:
        return NO_TOKENS
    joined = b",".join(values).lower()
    usual = _USUAL_TOKENS.get(joined)
    if usual is not None:
        return usual
    return frozenset(token.strip(b" \t") for token in joined.split(b","))


def _read_status(line: bytes) -> StatusLine | None:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return None
    return StatusLine(int(match[1]), int(match[2]), match[3] or b"")


_usual_status = lru_cache(maxsize=256)(_read_status)
