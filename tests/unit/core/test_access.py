from dataclasses import replace

import pytest

from paas.core.access import (
    EVERYTHING,
    IDLE_LIMIT,
    NO_ACCESS_CHANGE,
    SESSION_LIMIT,
    AccessChange,
    AccessRecords,
    Scope,
    Session,
    Token,
    User,
    View,
    token_holder,
    user_holder,
    with_change,
)

TOKEN = Token(id="t", name="ci", hash=b"h", scope=Scope.READ, created=1.0, creator="admin")
USER = User(name="ann", password="scrypt", role=Scope.ADMIN, created=1.0, creator="admin")
SESSION = Session(id="s", hash=b"c", holder="user:ann", created=0.0, seen=0.0, address="::1")


@pytest.mark.parametrize("have", Scope)
@pytest.mark.parametrize("need", Scope)
def test_each_scope_includes_those_before_it(have: Scope, need: Scope) -> None:
    assert have.covers(need) == ("read deploy admin".find(have) >= "read deploy admin".find(need))


def test_a_view_shows_everything_or_one_service() -> None:
    assert EVERYTHING.sees("shop")
    assert View(service="shop").sees("shop")
    assert not View(service="shop").sees("shop-2")


def test_names_of_who_acts() -> None:
    assert (TOKEN.actor, USER.actor) == ("token:ci", "user:ann")
    assert (token_holder("t"), user_holder("ann")) == ("token:t", "user:ann")


def test_a_token_expires_at_its_time() -> None:
    assert not TOKEN.expired(1e12)
    ends = replace(TOKEN, expires=5.0)
    assert [ends.expired(4.9), ends.expired(5.0)] == [False, True]


def test_a_session_ends_when_idle_and_in_the_end_anyway() -> None:
    assert not SESSION.ended(IDLE_LIMIT - 1)
    assert SESSION.ended(IDLE_LIMIT)
    busy = replace(SESSION, seen=SESSION_LIMIT - 1)
    assert not busy.ended(SESSION_LIMIT - 1)
    assert busy.ended(SESSION_LIMIT)


def test_a_change_puts_replaces_and_removes() -> None:
    second = replace(TOKEN, id="t2", name="cd", created=0.5)
    first = AccessChange(
        put=AccessRecords(tokens=(TOKEN, second), users=(USER,), sessions=(SESSION,))
    )
    now = with_change(AccessRecords(), first)
    assert now == AccessRecords(tokens=(second, TOKEN), users=(USER,), sessions=(SESSION,))
    used = replace(TOKEN, last_used=9.0)
    after = with_change(
        now,
        AccessChange(
            put=AccessRecords(tokens=(used,)),
            tokens_gone=("t2",),
            users_gone=("ann",),
            sessions_gone=("s", "none"),
        ),
    )
    assert after == AccessRecords(tokens=(used,))
    assert NO_ACCESS_CHANGE.empty
    assert not first.empty
