"""Whatever comes in, from either side: what goes out on the other one is in order."""

import h11
from hypothesis import given, settings

from tests.unit.http1.answers import reply
from tests.unit.http1.hostile import get
from tests.unit.http1.mutations import ANSWERS, REQUESTS, mutated
from tests.unit.proxy.script import End, Script


def read_answers(stream: bytes, *, ended: bool) -> int:
    """How many final answers a strict client reads of it; the last may be incomplete."""
    found = 0
    while stream:
        client = h11.Connection(h11.CLIENT)
        client.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(stream)
        if ended:
            client.receive_data(b"")
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            found += isinstance(event, h11.Response)
            if event is h11.NEED_DATA:
                return found
        stream = client.trailing_data[0]
    return found


def finish(script: Script, client: End) -> None:
    """Nobody has anything more to say."""
    for end in (client, *script.origins):
        end.leaves()
    assert not script.target.in_flight
    assert not script.target.waiters


@given(mutated(REQUESTS))
@settings(max_examples=1000, deadline=None)
def test_requests(data: bytes) -> None:
    script = Script()
    client = script.client(data)
    answered = 0
    for origin in script.origins:
        while script.target.in_flight and not origin.gone and script.seen[-1].complete:
            origin.gives(reply(b"ok"))
            answered += 1
    assert read_answers(client.log, ended=client.gone) >= answered
    assert len(script.seen) <= answered + 1
    finish(script, client)


@given(mutated(ANSWERS))
@settings(max_examples=1000, deadline=None)
def test_answers(data: bytes) -> None:
    script = Script()
    client = script.client(get())
    (origin,) = script.origins
    origin.gives(data)
    if not origin.gone:
        origin.stops_sending()
    if not client.aborted:
        assert read_answers(client.log, ended=client.gone) <= 1
    finish(script, client)
