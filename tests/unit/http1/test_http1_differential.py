"""h11 as the oracle: what we accept it accepts too, and reads the same in it.

It may refuse what we take in two places where the RFC lets us: an empty line before a
request, and trailers, of which it demands more although we drop them.
"""

import h11
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from paas.http1.events import END, Bad, RequestHead, ResponseHead
from paas.http1.limits import Limits
from paas.http1.parser import RequestParser, ResponseParser
from tests.strict import text
from tests.unit.http1.mutations import ANSWERS, REQUESTS, mutated

Message = tuple[object, list[tuple[str, str]], bytes, bool]
"""Start line, fields, body, and whether it is complete."""
ROOM = 1 << 20


def joined(parser: RequestParser | ResponseParser, pieces: list[bytes]) -> list[object]:
    """The events of one message, its body in one piece."""
    events: list[object] = []
    for piece in pieces:
        parser.receive(piece)
        while (event := parser.next()) is not None:
            if isinstance(event, bytes) and events and isinstance(events[-1], bytes):
                events[-1] += event
            else:
                events.append(event)
            if event is END:
                return events
    return events


def our_request(data: bytes, step: int) -> Message | Bad | None:
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    events = joined(RequestParser(Limits()), pieces)
    if not events or isinstance(events[-1], Bad):
        return events[-1] if events else None  # type: ignore[return-value] # a Bad
    head = events[0]
    assert isinstance(head, RequestHead)
    fields = text([(field.name, field.value) for field in head.fields])
    return (head.method, head.minor), fields, body_of(events), events[-1] is END


def their_request(data: bytes) -> Message | str:
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=ROOM)
    server.receive_data(data)
    try:
        events = one_message(server)
    except h11.RemoteProtocolError as error:
        return str(error)
    request, *rest = events
    assert isinstance(request, h11.Request)
    start = bytes(request.method), int(request.http_version[-1:])
    return start, text(request.headers), h11_body(rest), h11_done(rest)


def body_of(events: list[object]) -> bytes:
    return b"".join(event for event in events if isinstance(event, bytes))


def h11_body(events: list[object]) -> bytes:
    return b"".join(bytes(one.data) for one in events if isinstance(one, h11.Data))


def h11_done(events: list[object]) -> bool:
    return any(isinstance(one, h11.EndOfMessage) for one in events)


def one_message(peer: h11.Connection) -> list[object]:
    """Its events, up to the message's end or until more is needed."""
    found: list[object] = []
    while not found or not isinstance(found[-1], h11.EndOfMessage | h11.ConnectionClosed):
        event = peer.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED):
            break
        found.append(event)
    return found


def comparable(message: Message) -> Message:
    """h11 writes the one coding it knows in lower case."""
    start, fields, body, complete = message
    coded = [(n, v.lower() if n == "transfer-encoding" else v) for n, v in fields]
    return start, coded, body, complete


@given(mutated(REQUESTS), st.integers(1, 40))
@settings(max_examples=1500, deadline=None)
@example(REQUESTS[1].replace(b"5;a=b", b'5;a="b;c"'), 1)
def test_requests(data: bytes, step: int) -> None:
    ours = our_request(data, max(1, len(data)))
    again = our_request(data, step)
    assert isinstance(ours, Bad) is isinstance(again, Bad), (ours, again)
    if ours is None or isinstance(ours, Bad):
        return
    assert ours == again
    trailers = b"\r\n0\r\n" in data
    assume(not data.startswith(b"\r\n"))
    theirs = their_request(data)
    assume(not (isinstance(theirs, str) and trailers))
    assert not isinstance(theirs, str), theirs
    assert comparable(ours) == comparable(theirs)


def our_answer(data: bytes, method: bytes, step: int) -> list[object]:
    parser = ResponseParser(Limits())
    parser.expect(method)
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    events = joined(parser, pieces)
    if not events or not (events[-1] is END or isinstance(events[-1], Bad)):
        parser.eof()
        events += joined(parser, [b""])
    return events


def their_answer(data: bytes, method: bytes) -> list[object] | str:
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=ROOM)
    client.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    try:
        return one_message(client)
    except h11.RemoteProtocolError as error:
        return str(error)


@given(mutated(ANSWERS), st.sampled_from([b"GET", b"HEAD"]), st.integers(1, 40))
@settings(max_examples=1500, deadline=None)
def test_answers(data: bytes, method: bytes, step: int) -> None:
    ours = our_answer(data, method, max(1, len(data)))
    again = our_answer(data, method, step)
    if not ours or ours[-1] is not END:
        assert not again or again[-1] is not END
        return
    assert b"".join(one for one in ours if isinstance(one, bytes)) == body_of(again)
    assert [one for one in ours if not isinstance(one, bytes)] == [
        one for one in again if not isinstance(one, bytes)
    ]
    theirs = their_answer(data, method)
    assume(not (isinstance(theirs, str) and b"\r\n0\r\n" in data))
    assert not isinstance(theirs, str), theirs
    heads = [
        (one.status, text([(field.name, field.value) for field in one.fields]))
        for one in ours
        if isinstance(one, ResponseHead)
    ]
    read = h11.Response | h11.InformationalResponse
    assert heads == [
        (one.status_code, text(one.headers)) for one in theirs if isinstance(one, read)
    ]
    assert body_of(ours) == h11_body(theirs)
    assert h11_done(theirs)
