"""Heads as they go on: hop-by-hop fields out, our forwarding fields and framing in.

First everything is removed that may not pass, the names that Connection lists
included, then ours is set: a client can never delete or forge what we say
(RFC 9110, sections 7.6 and 15). Framing is always written here, never copied.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from paas.http1.events import BY_CHUNKS, BY_CLOSE, BY_LENGTH, RequestHead, ResponseHead
from paas.http1.fields import Fields, passing

MAX_HOPS = 8
"""How often a request may pass through us before it counts as a loop."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,128}")
_FORWARDING = (
    b"\r\nX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b"
    b"\r\nX-Real-IP: %b\r\nForwarded: %b"
)

Theirs = dict[bytes, list[bytes]]
_Passage = tuple[bytes, bytes | None, bytes]
"""A request's head behind its target: up to our request id, the client's own, the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who sent the request: its address, the scheme it used, and whether it is a proxy
    of ours whose forwarding fields are extended instead of replaced. `protocol` is what it
    spoke, empty where the request's own head says so.
    """

    address: bytes
    scheme: bytes = b"http"
    trusted: bool = False
    protocol: bytes = b""


class Onward:
    """Writes the heads of one connection's requests as they go on to a replica.

    A parser hands out the same list of fields for requests that repeat them; what
    was made of that list is used again.
    """

    __slots__ = ("_fields", "_passage")

    def __init__(self) -> None:
        self._fields: Fields | None = None
        self._passage: _Passage = (b"", None, b"")

    def request_bytes(
        self, head: RequestHead, peer: Peer, *, request_id: bytes, host: bytes
    ) -> bytes:
        """The head to send. `host` stands in where HTTP/1.0 named none. `peer` is the
        connection's and never changes.
        """
        if head.fields is not self._fields:
            self._passage = _passage(head, peer, head.authority or host)
            self._fields = head.fields if head.authority else None
        before, given, after = self._passage
        return b"".join((head.method, b" ", head.target, before, given or request_id, after))


def request_bytes(head: RequestHead, peer: Peer, *, request_id: bytes, host: bytes) -> bytes:
    """The head of one single request, see `Onward`."""
    return Onward().request_bytes(head, peer, request_id=request_id, host=host)


def response_bytes(
    head: ResponseHead,
    *,
    minor: int,
    keep_alive: bool,
    extra: bytes = b"",
    date: Callable[[], bytes] | None = None,
) -> bytes:
    """The head to send to a client of HTTP/1.`minor`. `extra` is whole field lines; `date`
    is asked for one where the origin gave none (RFC 9110, section 6.6.1).

    What most clients get is kept with the head, which a parser may hand out again.
    """
    if not head.dated and date is not None:
        return _response_bytes(head, minor=minor, keep_alive=keep_alive, extra=date() + extra)
    if extra or not minor or not keep_alive:
        return _response_bytes(head, minor=minor, keep_alive=keep_alive, extra=extra)
    if not head.onward:
        head.onward = _response_bytes(head, minor=1, keep_alive=True, extra=b"")
    return head.onward


def interim_bytes(head: ResponseHead) -> bytes:
    """A 1xx head to pass on to a client of HTTP/1.1."""
    fields = b"".join(passing(head.fields, head.connection))
    return b"HTTP/1.1 %d %b%b\r\n\r\n" % (head.status, head.reason, fields)


def chunked_to(head: ResponseHead, minor: int) -> bool:
    """Whether that answer's body goes in chunks to a client of HTTP/1.`minor`."""
    return bool(minor) and head.framing in (BY_CHUNKS, BY_CLOSE)


def ends_by_close(head: ResponseHead, minor: int) -> bool:
    """Whether only the end of the connection can end that answer for the client."""
    return not minor and head.framing in (BY_CHUNKS, BY_CLOSE)


def chunk(data: bytes) -> bytes:
    """One chunk in our own framing."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


# ---- private


def _response_bytes(head: ResponseHead, *, minor: int, keep_alive: bool, extra: bytes) -> bytes:
    out = [b"HTTP/1.1 %d %b" % (head.status, head.reason)]
    out += passing(head.fields, head.connection)
    out += (b"\r\n", extra, _response_framing(head, minor))
    if head.websocket and minor:
        # an answer of 426, too, names the protocol it asks for (RFC 9110, section 15.5.22)
        closing = b"" if keep_alive else b", close"
        out.append(b"Connection: Upgrade%b\r\nUpgrade: websocket\r\n" % closing)
    elif not keep_alive:
        out.append(b"Connection: close\r\n")
    elif not minor:
        out.append(b"Connection: keep-alive\r\n")
    out.append(b"\r\n")
    return b"".join(out)


def _passage(head: RequestHead, peer: Peer, authority: bytes) -> _Passage:
    out = [b" HTTP/1.1\r\nHost: ", authority, *passing(head.fields, head.connection)]
    theirs: Theirs = {}
    for field in head.fields:
        if field.ours:
            theirs.setdefault(field.name, []).append(field.value)
    if peer.trusted:
        out.append(_extended_forwarding(peer, authority, theirs))
    else:
        out.append(_forwarding(peer, authority))
    out.append(b"\r\nX-Request-Id: ")
    given = theirs.get(b"x-request-id")
    usable = given[0] if given and _REQUEST_ID.fullmatch(given[0]) else None
    hops = b"\r\nX-Paas-Hops: %d" % (head.hops + 1)
    return b"".join(out), usable, hops + _request_framing(head)


@lru_cache(maxsize=1024)
def _forwarding(peer: Peer, authority: bytes) -> bytes:
    """Our own fields for a request whose sender's fields count for nothing."""
    return _FORWARDING % (
        peer.address,
        peer.scheme,
        authority,
        peer.address,
        _link(peer, authority),
    )


def _extended_forwarding(peer: Peer, authority: bytes, theirs: Theirs) -> bytes:
    """The fields of a proxy in front, with ours added to the chains."""
    return _FORWARDING % (
        b", ".join([*theirs.get(b"x-forwarded-for", ()), peer.address]),
        theirs.get(b"x-forwarded-proto", [peer.scheme])[-1],
        theirs.get(b"x-forwarded-host", [authority])[-1],
        theirs.get(b"x-real-ip", [peer.address])[-1],
        b", ".join([*theirs.get(b"forwarded", ()), _link(peer, authority)]),
    )


def _link(peer: Peer, authority: bytes) -> bytes:
    address = peer.address
    node = b'"[%b]"' % address if b":" in address else address
    host = b'"%b"' % authority if b":" in authority else authority
    return b"for=%b;host=%b;proto=%b" % (node, host, peer.scheme)


def _request_framing(head: RequestHead) -> bytes:
    if head.framing is BY_LENGTH:
        framing = b"\r\nContent-Length: %d" % head.length
    elif head.framing is BY_CHUNKS:
        framing = b"\r\nTransfer-Encoding: chunked"
    else:
        framing = b""
    if head.expect_continue:
        framing += b"\r\nExpect: 100-continue"
    if head.websocket:
        framing += b"\r\nConnection: Upgrade\r\nUpgrade: websocket"
    return framing + b"\r\n\r\n"


def _response_framing(head: ResponseHead, minor: int) -> bytes:
    if head.framing is BY_LENGTH:
        return b"Content-Length: %d\r\n" % head.length
    if chunked_to(head, minor):
        return b"Transfer-Encoding: chunked\r\n"
    # HEAD and 304 may tell the length of what they do not carry (RFC 9110, 8.6)
    if head.declared is not None and head.status >= 200 and head.status != 204:
        return b"Content-Length: %d\r\n" % head.declared
    return b""
