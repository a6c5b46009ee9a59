"""Header fields one by one: what each means for us, and whether it goes on.

Traffic repeats its field lines byte for byte, within a connection and from one to the
next. A line that the parser library accepted once means the same ever after, so it is
kept with all that follows from it. Credentials are not kept, nor are long lines.

What may not pass is decided here (RFC 9110, section 7.6): hop-by-hop fields both ways,
those that we set ourselves, and names that some servers take for one of them.
"""

from dataclasses import dataclass

import httptools

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
        b"content-length",
    }
)
_OURS = frozenset(
    {
        b"host",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-server",
        b"x-forwarded-ssl",
        b"x-real-ip",
        b"x-request-id",
        b"x-paas-hops",
        b"x-paas-route",
    }
)
_DECIDING = frozenset(
    {
        b"host",
        b"connection",
        b"content-length",
        b"date",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
        b"x-paas-hops",
    }
)
_CREDENTIALS = frozenset({b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"})
_EVERYDAY = frozenset({b"close", b"keep-alive", b"upgrade"})
_TO_HYPHENS = bytes.maketrans(b"_.", b"--")

_LONGEST = 256
_MOST = 4096


@dataclass(slots=True)
class Field:
    """One field: `name` in lower case, `value` without outer white space, `line` as it
    goes on, if it `passes`. By `deciding` ones framing and place are found, `ours` are
    replaced or extended.
    """

    name: bytes
    value: bytes
    line: bytes
    deciding: bool
    ours: bool
    passes: bool


Fields = list[Field]


class FieldTable:
    """The lines known so far of one direction; it forgets all of them when it is full."""

    __slots__ = ("_dropped", "_first_line", "_known", "_library", "_look_alikes")

    def __init__(
        self,
        library: "type[httptools.HttpRequestParser | httptools.HttpResponseParser]",
        first_line: bytes,
        *,
        dropped: frozenset[bytes],
        look_alikes: bool = False,
    ) -> None:
        """`library` reads what is not known, behind that `first_line`. `look_alikes`: names
        that only differ from a dropped one by `_` or `.` are dropped, too.
        """
        self._library = library
        self._first_line = first_line
        self._dropped = dropped
        self._look_alikes = look_alikes
        self._known: dict[bytes, Field] = {}

    def read(self, lines: list[bytes]) -> Fields | None:
        """The fields of these lines; None when one of them is none."""
        known = self._known
        try:
            return [known[line] for line in lines]
        except KeyError:
            return self._read([line for line in lines if line not in known], lines)

    def _read(self, unknown: list[bytes], lines: list[bytes]) -> Fields | None:
        found = _Found()
        try:
            head = b"\r\n".join((self._first_line, *unknown, b"\r\n"))
            self._library(found).feed_data(head)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            return None
        if len(found.pairs) != len(unknown):  # one of them is empty: it ended the head
            return None
        learnt = dict(zip(unknown, map(self._field, found.pairs), strict=True))
        fields = [self._known.get(line) or learnt[line] for line in lines]
        self._keep(learnt)
        return fields

    def _field(self, pair: tuple[bytes, bytes]) -> Field:
        name, value = pair[0].lower(), pair[1].strip(b" \t")
        dropped = name in self._dropped or (self._look_alikes and self._resembles(name))
        line = b"\r\n%b: %b" % (pair[0], value)
        return Field(name, value, line, name in _DECIDING, name in _OURS, not dropped)

    def _resembles(self, name: bytes) -> bool:
        """`X_Forwarded_For` and the like: some servers read them as the real name."""
        if b"_" not in name and b"." not in name:
            return False
        return name.translate(_TO_HYPHENS) in self._dropped

    def _keep(self, learnt: dict[bytes, Field]) -> None:
        if len(self._known) + len(learnt) > _MOST:
            self._known.clear()
        for line, field in learnt.items():
            if len(line) <= _LONGEST and field.name not in _CREDENTIALS:
                self._known[line] = field


class _Found:
    """What the library calls back."""

    __slots__ = ("pairs",)

    def __init__(self) -> None:
        self.pairs: list[tuple[bytes, bytes]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.pairs.append((name, value))


REQUEST_FIELDS = FieldTable(
    httptools.HttpRequestParser,
    b"GET / HTTP/1.1",
    dropped=_HOP_BY_HOP | _OURS | {b"proxy", b"expect"},
    look_alikes=True,
)
RESPONSE_FIELDS = FieldTable(
    httptools.HttpResponseParser,
    b"HTTP/1.1 200 OK",
    dropped=_HOP_BY_HOP | {b"x-paas-error", b"x-paas-cold-start"},
)


def passing(fields: Fields, connection: frozenset[bytes]) -> list[bytes]:
    """The lines that go on, where Connection lists these names."""
    if connection <= _EVERYDAY:
        return [field.line for field in fields if field.passes]
    return [field.line for field in fields if field.passes and field.name not in connection]
