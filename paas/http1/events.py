"""What a parser yields: a head, pieces of a body (plain `bytes`), END or a `Bad`.

A parser returns None when it needs more input. Every value here passed the checks of
`parser`, so using it needs none.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from paas.http1.fields import Fields

NO_TOKENS: Final[frozenset[bytes]] = frozenset()


class Framing(Enum):
    """How a message's body ends (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


# an enum's member is slow to reach through its class, and these are asked for all the time
NO_FRAMING: Final = Framing.NONE
BY_LENGTH: Final = Framing.LENGTH
BY_CHUNKS: Final = Framing.CHUNKED
BY_CLOSE: Final = Framing.CLOSE


class _End(Enum):
    END = "end"


END: Final = _End.END
End = Literal[_End.END]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """The message cannot be used and its connection must be closed.

    `status` and `code` are what a client is told; `detail` is for the person who
    reads the log and never holds bytes of the message.
    """

    status: int
    code: str
    detail: str


class Refused(Exception):
    """How the inner functions hand a `Bad` up to the parser's `next`."""

    def __init__(self, detail: str, *, status: int = 400, code: str = "bad_request") -> None:
        super().__init__(detail)
        self.bad = Bad(status=status, code=code, detail=detail)


@dataclass(slots=True, kw_only=True)
class RequestHead:
    """One request's head. Not frozen, which would cost a microsecond per request.

    `target` is in origin form (or `*`), byte for byte as it came; `authority` is what
    goes on as Host, `host` its normal form for look-up ("" in HTTP/1.0 without one).
    `connection` holds the names that Connection lists, in lower case. `length` counts
    only with `Framing.LENGTH`. `websocket` is True for a well-formed upgrade request,
    `hops` how often the request came through us already.
    """

    method: bytes
    target: bytes
    minor: int
    fields: Fields
    authority: bytes
    host: str
    framing: Framing
    length: int
    connection: frozenset[bytes]
    keep_alive: bool
    websocket: bool
    expect_continue: bool
    hops: int

    def at(self, target: bytes) -> "RequestHead":
        """The same request for another target in origin form; the fields are shared."""
        return RequestHead(
            method=self.method,
            target=target,
            minor=self.minor,
            fields=self.fields,
            authority=self.authority,
            host=self.host,
            framing=self.framing,
            length=self.length,
            connection=self.connection,
            keep_alive=self.keep_alive,
            websocket=self.websocket,
            expect_continue=self.expect_continue,
            hops=self.hops,
        )


@dataclass(slots=True, kw_only=True)
class ResponseHead:
    """One response's head; `interim` is True for 1xx other than 101. Not frozen, as above.

    `framing` says how the body comes, given the request's method: NONE for HEAD, 1xx,
    204 and 304 whatever the headers say. `declared` is the Content-Length field, if any.
    `dated`: the origin gave a Date that goes on. `onward` is how the head goes on to most
    clients, once it did (`head.response_bytes`).
    """

    status: int
    reason: bytes
    minor: int
    fields: Fields
    framing: Framing
    length: int
    declared: int | None
    connection: frozenset[bytes]
    keep_alive: bool
    websocket: bool
    dated: bool = True
    onward: bytes = b""

    @property
    def interim(self) -> bool:
        return self.status < 200 and self.status != 101


RequestEvent = RequestHead | bytes | End | Bad
ResponseEvent = ResponseHead | bytes | End | Bad
