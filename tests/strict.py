"""What holds for every stream of requests the proxy sends, read by a strict parser."""

import re
from dataclasses import dataclass

import h11

_FRAMINGS = {
    "content-length": re.compile("0|[1-9][0-9]*"),
    "transfer-encoding": re.compile("chunked"),
}
_ONCE = (
    "host",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-real-ip",
    "forwarded",
    "x-request-id",
    "x-paas-hops",
)
_NEVER = (
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "te",
    "trailer",
    "proxy",
    "http2-settings",
)


@dataclass(kw_only=True)
class Seen:
    """One request as it arrived; `complete` once its body ended properly."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    complete: bool = False

    def field(self, name: str) -> str | None:
        found = [value for key, value in self.fields if key == name]
        assert len(found) <= 1, (name, found)
        return found[0] if found else None


def seen(request: h11.Request) -> Seen:
    return Seen(
        method=request.method.decode(),
        target=request.target.decode("latin-1"),
        fields=text(request.headers),
    )


def check_forwarded(one: Seen) -> None:
    """Exactly one framing or none, in our own writing; our fields once; nothing hop-by-hop."""
    names = [name for name, _ in one.fields]
    framings = [pair for pair in one.fields if pair[0] in _FRAMINGS]
    assert len(framings) <= 1, framings
    for name, value in framings:
        assert _FRAMINGS[name].fullmatch(value), (name, value)
    for name in _ONCE:
        assert names.count(name) == 1, (name, one.fields)
    for name in _NEVER:
        assert name not in names, (name, one.fields)
    switching = {"connection": "Upgrade", "upgrade": "websocket"}
    hops = {name: value for name, value in one.fields if name in switching}
    assert hops in ({}, switching), hops


def requests(stream: bytes) -> list[Seen]:
    """All requests of one connection, the last one perhaps incomplete, each checked.
    What comes behind an upgrade is the tunnel's. Raises `h11.RemoteProtocolError`.
    """
    found: list[Seen] = []
    while stream:
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(stream)
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                found.append(seen(event))
                check_forwarded(found[-1])
            elif isinstance(event, h11.Data):
                found[-1].body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found[-1].complete = True
                assert not text(event.headers), "trailers"
                break
            else:
                return found
        if found[-1].field("upgrade"):
            return found
        stream = parser.trailing_data[0]
    return found


def text(fields: object) -> list[tuple[str, str]]:
    """Fields of h11's as text, names in lower case."""
    return [(name.decode(), value.decode("latin-1")) for name, value in fields]  # type: ignore[attr-defined] # h11's
