"""Heads between HTTP/2's fields and HTTP/1.1's text (RFC 9113, section 8).

A request's fields are checked as that section demands and then written as a head of
HTTP/1.1, so that one parser with one strictness decides what every request means. No field
can end a line here or change the framing: values hold no line end, and what is about one
connection alone is malformed.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from hpack.table import HeaderTable

from paas.http1.events import ResponseHead
from paas.http1.fields import Field

Pair = tuple[bytes, bytes]

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_METHOD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"/[!-~]*|\*")
_PSEUDO = frozenset({b":method", b":scheme", b":authority", b":path"})
_SCHEMES = frozenset({b"https", b"http"})
_OF_ONE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
"""Section 8.2.2."""
_CREDENTIALS = frozenset({b"authorization", b"proxy-authorization"})
_USUAL = 256
"""Longest value that is remembered as checked; credentials never are."""
_BY_STATIC_NAME = {
    name: index for index, (name, _) in reversed(list(enumerate(HeaderTable.STATIC_TABLE, start=1)))
}
_BY_STATUS = {
    int(value): index
    for index, (name, value) in enumerate(HeaderTable.STATIC_TABLE, start=1)
    if name == b":status"
}
_STATUS = _BY_STATIC_NAME[b":status"]


class Malformed(Exception):
    """A request that its stream is reset for (section 8.1.1)."""


def request_text(pairs: Iterable[Pair], *, ended: bool) -> bytes:
    """The head of HTTP/1.1 with these fields; `ended`: no body follows. Raises `Malformed`."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookies: list[bytes] = []
    sized = False
    for name, value in pairs:
        if name.startswith(b":"):
            if name not in _PSEUDO or name in pseudo or lines or cookies:
                raise Malformed("unknown, repeated or late pseudo-header field")
            pseudo[name] = value
        elif name == b"cookie":  # section 8.2.3: may come in pieces
            cookies.append(_checked(name, value))
        else:
            sized = sized or name == b"content-length"
            usual = len(value) <= _USUAL and name not in _CREDENTIALS
            lines.append(_usual_line(name, value) if usual else _line(name, value))
    if cookies:
        lines.append(b"cookie: %b\r\n" % b"; ".join(cookies))
    if not (ended or sized):
        lines.append(b"Transfer-Encoding: chunked\r\n")
    return b"%b%b\r\n" % (_beginning(pseudo, lines), b"".join(lines))


def declared_length(text: bytes) -> int | None:
    """What a head that `request_text` made declares as its body's length, if anything."""
    found = _LENGTH.search(text)
    return int(found[1]) if found else None


def trailers_checked(pairs: Iterable[Pair]) -> None:
    """Trailers are not passed on, but must be well-formed. Raises `Malformed`."""
    for name, value in pairs:
        if name.startswith(b":"):
            raise Malformed("pseudo-header field in trailers")
        _line(name, value)


def answer_block(head: ResponseHead) -> bytes:
    """An answer's header block (RFC 7541). Without entries in the dynamic table it means
    the same at any time, so that it can be kept and sent again.
    """
    fields = [_literal(field) for field in head.fields if field.name not in _OF_ONE_CONNECTION]
    return _status(head.status) + b"".join(fields)


# ---- private

_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]{1,19})\r\n")


def _beginning(pseudo: dict[bytes, bytes], lines: list[bytes]) -> bytes:
    """Request line and Host (section 8.3.1)."""
    method, authority = pseudo.get(b":method"), pseudo.get(b":authority")
    if method is None or not _METHOD.fullmatch(method):
        raise Malformed("no method")
    if method == b"CONNECT":  # section 8.5; it is refused where methods are
        target = authority if set(pseudo) == {b":method", b":authority"} else None
    else:
        target = pseudo.get(b":path")
        if pseudo.get(b":scheme") not in _SCHEMES:
            raise Malformed("no scheme")
    if not target or not (method == b"CONNECT" or _TARGET.fullmatch(target)):
        raise Malformed("no path")
    if authority is None:
        return b"%b %b HTTP/1.1\r\n" % (method, target)
    host = b"host: %b\r\n" % authority
    hosts = [line for line in lines if line.startswith(b"host:")]
    if not _VALUE.fullmatch(authority) or any(line != host for line in hosts):
        raise Malformed("Host and authority differ")
    return b"%b %b HTTP/1.1\r\n%b" % (method, target, b"" if hosts else host)


def _checked(name: bytes, value: bytes) -> bytes:
    """The value, if name and value may stand in a field (section 8.2.1)."""
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise Malformed("malformed field")
    if name in _OF_ONE_CONNECTION or (name == b"te" and value != b"trailers"):
        raise Malformed("field of one connection")
    return value


def _line(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, _checked(name, value))


_usual_line = lru_cache(maxsize=4096)(_line)


def _status(status: int) -> bytes:
    known = _BY_STATUS.get(status)
    if known is not None:
        return bytes((0x80 | known,))
    return _integer(_STATUS, 4) + _text(b"%d" % status)


def _literal(field: Field) -> bytes:
    """A literal field without indexing (RFC 7541, section 6.2.2)."""
    index = _BY_STATIC_NAME.get(field.name)
    name = _integer(index, 4) if index is not None else b"\x00" + _text(field.name)
    return name + _text(field.value)


def _text(value: bytes) -> bytes:
    """A string as it is (section 5.2): a code table would save a quarter of few bytes."""
    return _integer(len(value), 7) + value


def _integer(value: int, bits: int) -> bytes:
    """An integer behind a prefix of zeros (section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((value,))
    out = bytearray((most,))
    value -= most
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
