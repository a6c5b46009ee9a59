"""Header fields one by one: what each means for us, and whether it goes on.

Traffic repeats its field lines byte for byte, within a connection and from one to the
next. A line that the parser library accepted once means the same ever after, so it is
kept with all that follows from it. Credentials are not kept, nor are long lines.

What may not pass is decided here (RFC 9110, section 7.6): hop-by-hop fields both ways,
those that we set ourselves, and names that some servers take for one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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

    __slots__ = ("_dropped", "_known", "_look_alikes")

    def __init__(self, dropped: frozenset[bytes], *, look_alikes: bool) -> None:
        """`look_alikes`: also drop names that only differ from a dropped one by `_` or `.`."""
        self._dropped = dropped
        self._look_alikes = look_alikes
        self._known: dict[bytes, Field] = {}

    def look_up(self, lines: Sequence[bytes]) -> Fields | None:
        """The fields of these lines, None when one of them is not known."""
        known = self._known
        try:
            return [known[line] for line in lines]
        except KeyError:
            return None

    def learn(self, lines: Sequence[bytes], pairs: Sequence[tuple[bytes, bytes]]) -> Fields:
        """The fields of lines that the parser library took for these names and values."""
        return [self._learn(line, *pair) for line, pair in zip(lines, pairs, strict=True)]

    def _learn(self, line: bytes, name: bytes, value: bytes) -> Field:
        field = self._field(name, name.lower(), value.strip(b" \t"))
        if len(line) <= _LONGEST and field.name not in _CREDENTIALS:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[line] = field
        return field

    def _field(self, name: bytes, lower: bytes, value: bytes) -> Field:
        dropped = lower in self._dropped or (self._look_alikes and self._resembles(lower))
        line = b"\r\n%b: %b" % (name, value)
        return Field(lower, value, line, lower in _DECIDING, lower in _OURS, not dropped)

    def _resembles(self, lower: bytes) -> bool:
        """`X_Forwarded_For` and the like: some servers read them as the real name."""
        if b"_" not in lower and b"." not in lower:
            return False
        return lower.translate(_TO_HYPHENS) in self._dropped


REQUEST_FIELDS = FieldTable(_HOP_BY_HOP | _OURS | {b"proxy", b"expect"}, look_alikes=True)
RESPONSE_FIELDS = FieldTable(
    _HOP_BY_HOP | {b"x-paas-error", b"x-paas-cold-start"}, look_alikes=False
)


def passing(fields: Fields, connection: frozenset[bytes]) -> list[bytes]:
    """The lines that go on, where Connection lists these names."""
    if connection <= _EVERYDAY:
        return [field.line for field in fields if field.passes]
    return [field.line for field in fields if field.passes and field.name not in connection]
