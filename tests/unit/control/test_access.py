"""Who may come in, on a fake store with a clock that is moved by hand."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from paas.control.access import Access
from paas.control.accounts import NewToken, NewUser
from paas.control.ledger import COARSE
from paas.control.signin import MOST_SESSIONS, MOST_WAITING
from paas.core.access import IDLE_LIMIT, SESSION_LIMIT, Principal, Scope, View
from paas.errors import Conflict, Denied, TooOften, Unavailable
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore

PASSWORD = "correct horse battery"
CI = NewToken(name="ci", scope=Scope.DEPLOY, service="shop", expires_in=3600.0)
ANN = NewUser(name="ann", password=PASSWORD, role=Scope.READ, service="shop")


class Master:
    def __init__(self) -> None:
        self.mark = "one"

    def verify(self, token: str) -> bool:
        return token == "master"


class Door:
    """An `Access` with what stands behind it."""

    def __init__(self) -> None:
        self.store, self.clock, self.master = FakeStore(), FakeClock(), Master()
        self.access = Access(store=self.store, clock=self.clock, master=self.master)

    async def again(self) -> "Door":
        """A daemon later, on the same store."""
        door = Door()
        door.store, door.clock = self.store, self.clock
        door.access = Access(store=self.store, clock=self.clock, master=door.master)
        await door.access.ledger.load()
        return door

    def kinds(self) -> list[str]:
        return [event.kind for change in self.store.commits for event in change.events]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door()
    yield made
    await made.access.close()


async def test_a_token_stands_for_its_scope_and_service_until_it_expires(door: Door) -> None:
    token, secret = await door.access.tokens.create(CI, actor="admin")
    expected = Principal(actor="token:ci", scope=Scope.DEPLOY, view=View(service="shop"))
    assert door.access.by_token(secret) == expected
    assert (await door.again()).access.by_token(secret) == expected
    signed, cookie = await door.access.sign_in_by_token(secret, address="local")
    assert door.access.by_session(cookie).actor == "token:ci"
    door.clock.advance(3600.0)
    with pytest.raises(Denied) as refused:
        door.access.by_token(secret)
    assert refused.value.code == "token_expired"
    assert door.access.by_session(cookie) is None
    assert door.access.open_sessions() == []
    assert (signed.holder, door.access.by_session("none")) == (f"token:{token.id}", None)


async def test_the_first_token_s_sessions_end_when_it_is_replaced(door: Door) -> None:
    _, cookie = await door.access.sign_in_by_token("master", address="local")
    assert door.access.by_session(cookie).actor == "admin"
    door.master.mark = "two"
    assert door.access.by_session(cookie) is None


async def test_a_session_ends_by_idleness_and_in_the_end_anyway(door: Door) -> None:
    _, idle = await door.access.sign_in_by_token("master", address="local")
    _, busy = await door.access.sign_in_by_token("master", address="local")
    for _ in range(int(SESSION_LIMIT / (IDLE_LIMIT / 2)) - 1):
        door.clock.advance(IDLE_LIMIT / 2)
        assert door.access.by_session(busy) is not None
        await door.access.ledger.flush()
    assert door.access.by_session(idle) is None
    assert len((await door.store.access()).sessions) == 1
    door.clock.advance(IDLE_LIMIT / 2)
    assert door.access.by_session(busy) is None
    await door.access.ledger.flush()
    assert (await door.store.access()).sessions == ()


async def test_use_is_written_coarsely_and_rest_not_at_all(door: Door) -> None:
    token, secret = await door.access.tokens.create(
        NewToken(name="ci", scope=Scope.READ), actor="admin"
    )
    written = len(door.store.commits)
    for _ in range(100):
        door.access.by_token(secret)
    assert len(door.store.commits) == written
    await door.access.ledger.flush()
    first = door.clock.time()
    door.clock.advance(COARSE - 1)
    door.access.by_token(secret)
    await door.access.ledger.flush()
    assert len(door.store.commits) == written + 1
    assert door.access.ledger.token_by_id(token.id).last_used == first
    door.clock.advance(1)
    door.access.by_token(secret)
    await door.access.ledger.flush()
    assert door.access.ledger.token_by_id(token.id).last_used == first + COARSE


async def test_use_is_kept_by_the_loop(door: Door) -> None:
    await door.access.start()
    _, secret = await door.access.tokens.create(CI, actor="admin")
    door.access.by_token(secret)
    while not door.clock.sleeping:
        await asyncio.sleep(0)
    door.clock.advance(60.0)
    while (await door.store.access()).tokens[0].last_used is None:
        await asyncio.sleep(0)


async def test_what_could_not_be_stored_does_not_hold(door: Door) -> None:
    _, secret = await door.access.tokens.create(CI, actor="admin")
    door.store.broken = Unavailable("The disk is full.", code="disk_full")
    with pytest.raises(Unavailable):
        await door.access.tokens.create(NewToken(name="other", scope=Scope.ADMIN), actor="admin")
    (token,) = door.access.tokens.list()
    with pytest.raises(Unavailable):
        await door.access.tokens.revoke(token.id, actor="admin")
    assert door.access.by_token(secret).actor == "token:ci"


async def test_a_caller_that_goes_away_tears_nothing_apart(door: Door) -> None:
    door.store.pass_.clear()
    making = asyncio.ensure_future(door.access.tokens.create(CI, actor="admin"))
    while not door.store.held:
        await asyncio.sleep(0)
    making.cancel()
    door.store.pass_.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    with pytest.raises(Conflict):
        await door.access.tokens.create(CI, actor="admin")
    assert [one.name for one in (await door.store.access()).tokens] == ["ci"]


async def test_a_user_signs_in_and_a_new_password_ends_that(door: Door) -> None:
    await door.access.users.create(ANN, actor="admin")
    sign_in = door.access.sessions.by_password
    _, cookie = await sign_in("ann", PASSWORD, address="10.0.0.1")
    who = Principal(actor="user:ann", scope=Scope.READ, view=View(service="shop"))
    found = door.access.by_session(cookie)
    assert (found.actor, found.scope, found.view) == (who.actor, who.scope, who.view)
    await door.access.users.change("ann", actor="admin", password=PASSWORD + "2")
    assert door.access.by_session(cookie) is None
    with pytest.raises(Denied):
        await sign_in("ann", PASSWORD, address="10.0.0.1")
    await sign_in("ann", PASSWORD + "2", address="10.0.0.1")
    assert door.kinds() == [
        "user.created",
        "session.started",
        "user.changed",
        "session.refused",
        "session.started",
    ]


async def test_a_password_that_changes_while_it_is_compared_lets_nobody_in(door: Door) -> None:
    await door.access.users.create(ANN, actor="admin")
    door.store.pass_.clear()
    changing = asyncio.ensure_future(
        door.access.users.change("ann", actor="admin", password="another password")
    )
    while not door.store.held:
        await asyncio.sleep(0.001)
    signing = asyncio.ensure_future(
        door.access.sessions.by_password("ann", PASSWORD, address="10.0.0.1")
    )
    await asyncio.sleep(0)
    door.store.pass_.set()
    await changing
    with pytest.raises(Denied):
        await signing
    assert door.access.open_sessions() == []


async def test_the_oldest_sessions_of_one_holder_make_room(door: Door) -> None:
    cookies = []
    for _ in range(MOST_SESSIONS + 1):
        cookies.append((await door.access.sign_in_by_token("master", address="local"))[1])
        door.clock.advance(1.0)
    assert door.access.by_session(cookies[0]) is None
    assert all(door.access.by_session(cookie) for cookie in cookies[1:])


async def test_many_tries_at_once_are_no_way_around_the_delay(door: Door) -> None:
    await door.access.users.create(ANN, actor="admin")
    sign_in = door.access.sessions.by_password
    tries = [sign_in("ann", f"guess {number}", address="10.0.0.1") for number in range(50)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    kinds = [type(one) for one in ended]
    assert (kinds.count(Denied), kinds.count(TooOften)) == (6, 44)
    door.clock.advance(1.0)
    await sign_in("ann", PASSWORD, address="10.0.0.1")


async def test_one_user_is_guessed_slowly_from_everywhere(door: Door) -> None:
    await door.access.users.create(ANN, actor="admin")
    tries = [
        door.access.sessions.by_password("ann", "guess", address=f"10.0.0.{number}")
        for number in range(MOST_WAITING)
    ]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(Denied) == 11


async def test_the_work_that_strangers_can_cause_is_bounded(door: Door) -> None:
    tries = [
        door.access.sessions.by_password(f"user{number}", "guess", address=f"10.0.0.{number}")
        for number in range(MOST_WAITING + 5)
    ]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(TooOften) == 5


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(door: Door) -> None:
    await door.access.users.create(ANN, actor="admin")
    took: dict[str, list[float]] = {"ann": [], "nobody": []}
    for name in ("ann", "nobody") * 3:
        began = time.process_time()
        with pytest.raises(Denied):
            await door.access.sessions.by_password(name, "guess", address=f"a{len(took[name])}")
        took[name].append(time.process_time() - began)
    assert min(took["nobody"]) > min(took["ann"]) / 2


async def test_failures_write_less_the_more_there_are(door: Door) -> None:
    for _ in range(40):
        with pytest.raises(Denied):
            await door.access.sign_in_by_token("guess", address="10.0.0.1")
        door.clock.advance(901.0)
    assert door.kinds() == ["session.refused"] * 6
