"""What a messenger promises, on the fake one and over HTTP to a place of our own."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from paas.adapters.messages import HttpMessenger
from paas.core.notifying import Notice
from paas.errors import Failed, Unavailable
from paas.ports import Messenger
from tests.fakes.messenger import FakeMessenger

NOTICE = Notice(body=b'{"kind": "disk.low"}', headers={"X-Paas-Event": "disk.low"})


@dataclass(slots=True)
class Place:
    """Where messages go in a test: what it answers, and what it took."""

    messenger: Messenger
    url: str
    status: int = 200
    seen: list[object] = field(default_factory=list)

    def answers(self, status: int) -> None:
        self.status = status
        if isinstance(self.messenger, FakeMessenger):
            self.messenger.status[self.url] = status

    def taken(self) -> list[object]:
        if isinstance(self.messenger, FakeMessenger):
            return [body for _, body in self.messenger.taken]
        return self.seen


@pytest.fixture(params=["fake", "http"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "fake":
        yield Place(FakeMessenger(), "http://place.example/")
        return

    async def answer(asked: web.BaseRequest) -> web.Response:
        body = json.loads(await asked.read())
        if made.status < 300:
            made.seen.append(body)
        return web.Response(status=made.status)

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = Place(HttpMessenger(), f"http://127.0.0.1:{runner.addresses[0][1]}/")
    yield made
    await made.messenger.close()
    await runner.cleanup()


async def test_a_place_takes_it(place: Place) -> None:
    await place.messenger.send(place.url, NOTICE)
    assert place.taken() == [{"kind": "disk.low"}]


async def test_a_place_in_trouble_may_take_it_later(place: Place) -> None:
    place.answers(503)
    with pytest.raises(Unavailable) as caught:
        await place.messenger.send(place.url, NOTICE)
    assert caught.value.code == "notice_away"
    place.answers(204)
    await place.messenger.send(place.url, NOTICE)
    assert len(place.taken()) == 1


async def test_a_place_that_refuses_it_always_will(place: Place) -> None:
    place.answers(404)
    with pytest.raises(Failed) as caught:
        await place.messenger.send(place.url, NOTICE)
    assert caught.value.code == "notice_refused"
    assert place.taken() == []


async def test_it_can_be_closed_twice(place: Place) -> None:
    await place.messenger.close()
    await place.messenger.close()
