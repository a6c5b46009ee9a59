"""What a head's fields mean: framing, place, connection options (RFC 9112, 3 and 6).

Every ambiguous case is refused rather than resolved: two readers of the same
message must never find different ends of it.
"""

import re
from dataclasses import replace

from paas.http1.events import (
    BY_CHUNKS,
    BY_CLOSE,
    BY_LENGTH,
    NO_FRAMING,
    Framing,
    Refused,
    RequestHead,
    ResponseHead,
)
from paas.http1.fields import Field, Fields
from paas.http1.syntax import (
    METHODS,
    REFUSED_METHODS,
    StatusLine,
    host_value,
    length_value,
    split_absolute,
    tokens,
)

Found = dict[bytes, list[bytes]]

_NO_CONTENT = (204, 304)
_SWITCHING = (101, 426)
UNCLEAR_HOPS = 1000


def request_head(line: "re.Match[bytes]", fields: Fields) -> RequestHead:
    """The head with this request line (`syntax.REQUEST_LINE`). Raises `Refused`."""
    method, target, minor = line[1], line[2], int(line[4])
    if method in REFUSED_METHODS:
        raise Refused("method not supported", status=405, code="method_not_allowed")
    if method not in METHODS:
        # RFC 9110, section 9.1
        raise Refused("unknown method", status=501, code="method_unknown")
    found = _gather(fields)
    framing, length = _framing(found, minor)
    authority, host, path = _place(method, target, found.get(b"host"), minor)
    if method == b"OPTIONS":
        path, fields = _one_hop_less(path, fields)
    connection = tokens(found.get(b"connection"))
    websocket = bool(minor) and b"upgrade" in connection and _asks_websocket(found)
    if websocket and framing is not NO_FRAMING:
        raise Refused("upgrade with a body")
    return RequestHead(
        method=method,
        target=path,
        minor=minor,
        fields=fields,
        authority=authority,
        host=host,
        framing=framing,
        length=length,
        connection=connection,
        keep_alive=_keeps(connection, minor),
        websocket=websocket and method == b"GET",
        expect_continue=_expects(found, minor) and framing is not NO_FRAMING,
        hops=_hops(found.get(b"x-paas-hops")),
    )


def response_head(line: StatusLine, fields: Fields, *, bodiless: bool) -> ResponseHead:
    """The head with this status line. Raises `Refused`. `bodiless`: it answers HEAD."""
    minor, status = line.minor, line.status
    found = _gather(fields)
    framing, length = _framing(found, minor)
    declared = length if framing is BY_LENGTH else None
    if bodiless or status < 200 or status in _NO_CONTENT:  # RFC 9112, section 6.3, item 1
        framing, length = NO_FRAMING, 0
    elif framing is NO_FRAMING:
        framing = BY_CLOSE
    connection = tokens(found.get(b"connection"))
    return ResponseHead(
        status=status,
        reason=line.reason,
        minor=minor,
        fields=fields,
        framing=framing,
        length=length,
        declared=declared,
        connection=connection,
        keep_alive=framing is not BY_CLOSE and _keeps(connection, minor),
        websocket=status in _SWITCHING and b"upgrade" in connection and _asks_websocket(found),
        dated=b"date" in found and b"date" not in connection,
    )


# ---- private


def _gather(fields: Fields) -> Found:
    """The values of the fields that decide, by name."""
    found: Found = {}
    for field in fields:
        if field.deciding:
            found.setdefault(field.name, []).append(field.value)
    return found


def _framing(found: Found, minor: int) -> tuple[Framing, int]:
    """RFC 9112, sections 6.1 and 6.3: whatever is unclear here is answered 400 and closed."""
    codings = found.get(b"transfer-encoding")
    lengths = found.get(b"content-length")
    if codings is not None:
        if lengths is not None or not minor:
            raise Refused("Transfer-Encoding with Content-Length or in HTTP/1.0")
        return _coding(codings), 0
    if lengths is None:
        return NO_FRAMING, 0
    length = length_value(lengths[0])
    if length is None or len(lengths) > 1:
        raise Refused("invalid Content-Length")
    return BY_LENGTH, length


def _coding(codings: list[bytes]) -> Framing:
    listed = [coding.strip(b" \t") for coding in codings[0].lower().split(b",")]
    clear = b"" not in listed and listed.count(b"chunked") == 1
    if len(codings) > 1 or listed[-1] != b"chunked" or not clear:
        raise Refused("invalid Transfer-Encoding")
    if len(listed) > 1:  # 501 where only the coding is unknown (section 6.1)
        raise Refused("unsupported transfer coding", status=501)
    return BY_CHUNKS


def _place(
    method: bytes, target: bytes, hosts: list[bytes] | None, minor: int
) -> tuple[bytes, str, bytes]:
    """Authority, normal host and origin-form target (RFC 9112, sections 3.2 and 3.3)."""
    if b"#" in target:
        raise Refused("fragment in the request target")
    authority, host = _host(hosts, minor)
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return authority, host, target
    absolute = split_absolute(target)
    named = host_value(absolute[0]) if absolute else None
    if absolute is None or named is None:
        raise Refused("invalid request target")
    # the last proxy asks about the server itself where no path was given (RFC 9112, 3.2.4)
    return absolute[0], named, absolute[1] or (b"*" if method == b"OPTIONS" else b"/")


def _host(hosts: list[bytes] | None, minor: int) -> tuple[bytes, str]:
    """None, several or an invalid one: 400 (RFC 9112, section 3.2)."""
    if hosts is None:
        if minor:
            raise Refused("Host is missing")
        return b"", ""
    host = host_value(hosts[0])
    if host is None or len(hosts) > 1:
        raise Refused("invalid Host")
    return hosts[0], host


def _one_hop_less(path: bytes, fields: Fields) -> tuple[bytes, Fields]:
    """Target and fields of OPTIONS after Max-Forwards was counted down; at 0 the question
    is for us (RFC 9110, section 7.6.2).
    """
    counted: Fields = []
    for field in fields:
        left = length_value(field.value) if field.name == b"max-forwards" else None
        if left == 0:
            return b"*", fields
        counted.append(field if left is None else _max_forwards(field, left - 1))
    return path, counted


def _max_forwards(field: Field, left: int) -> Field:
    return replace(field, value=b"%d" % left, line=b"\r\nMax-Forwards: %d" % left)


def _keeps(connection: frozenset[bytes], minor: int) -> bool:
    if b"close" in connection:
        return False
    return bool(minor) or b"keep-alive" in connection


def _expects(found: Found, minor: int) -> bool:
    values = found.get(b"expect")
    if values is None or not minor:
        return False
    if [value.lower() for value in values] != [b"100-continue"]:  # RFC 9110, section 10.1.1
        raise Refused("unknown expectation", status=417, code="expectation_failed")
    return True


def _hops(values: list[bytes] | None) -> int:
    """Unclear counts as too many: only a loop or a joke sends such a field."""
    if values is None:
        return 0
    return int(values[0]) if re.fullmatch(rb"[0-9]{1,3}", values[0]) else UNCLEAR_HOPS


def _asks_websocket(found: Found) -> bool:
    return [value.lower() for value in found.get(b"upgrade", ())] == [b"websocket"]
