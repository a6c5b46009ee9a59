"""Where replicas' output may be sent as well, and how a line looks there.

Syslog by RFC 5424: over TCP and streams with the octet count of RFC 6587 before each
message, over UDP and datagrams one message in each. Over HTTP one JSON object a line.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from paas.core.addresses import parse_address

RULE = (
    "empty, udp://host:port, tcp://host:port or unix:///path for syslog, "
    "or http://… or https://… for lines of JSON"
)
LONGEST_MESSAGE = 8192
"""Bytes of one syslog message; the rest of a longer line is left out."""
_FACILITY = 16  # local0
_SEVERITIES = {"stderr": 3, "stdout": 6}
_NOTICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainTarget:
    """`place` is a path for unix, a URL for http and https, else empty."""

    scheme: str
    host: str = ""
    port: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLine:
    """One line of output with its origin; empty names for a remark of the drain itself."""

    time: float
    text: str
    stream: str
    service: str = ""
    version: str = ""
    replica: str = ""


def parse_drain(text: str) -> DrainTarget:
    """Raises `ValueError` with the rule."""
    try:
        parts = urlsplit(text)
        if parts.scheme in ("udp", "tcp") and not parts.path.strip("/") and not parts.query:
            host, port = parse_address(parts.netloc)
            if host and port:
                return DrainTarget(scheme=parts.scheme, host=host, port=port)
        if parts.scheme == "unix" and not parts.netloc and parts.path:
            return DrainTarget(scheme="unix", place=parts.path)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return DrainTarget(scheme=parts.scheme, place=text)
    except ValueError as error:
        raise ValueError(RULE) from error
    raise ValueError(RULE)


def syslog_message(line: SentLine, host: str) -> bytes:
    """One message without its frame. `host` is this host's name."""
    severity = _SEVERITIES.get(line.stream, _NOTICE)
    origin = ".".join(filter(None, (line.version, line.replica[:12])))
    head = (
        f"<{_FACILITY * 8 + severity}>1 {_moment(line.time)} {_name(host, 255)} "
        f"{_name(line.service or 'paas', 48)} {_name(origin, 128)} {_name(line.stream, 32)} - "
    )
    text = "".join(one if one.isprintable() or one == "\t" else " " for one in line.text)
    message = head.encode("ascii", "replace") + text.encode("utf-8", "replace")
    return message[:LONGEST_MESSAGE].decode("utf-8", "ignore").encode()


def counted(message: bytes) -> bytes:
    """The message behind its length."""
    return b"%d %b" % (len(message), message)


def json_object(line: SentLine, host: str) -> bytes:
    """One line of NDJSON with its end."""
    fields = {
        "time": _moment(line.time),
        "host": host,
        "service": line.service or None,
        "version": line.version or None,
        "replica": line.replica or None,
        "stream": line.stream,
        "text": line.text,
    }
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _moment(time: float) -> str:
    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def _name(text: str, longest: int) -> str:
    """Printable ASCII without blanks, or `-`."""
    return "".join(one for one in text if "!" <= one <= "~")[:longest] or "-"
