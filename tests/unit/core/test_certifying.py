"""When which host gets a certificate."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.certifying import (
    AT_ONCE,
    AWAY_RETRY,
    CLEAN,
    DAY,
    FAILURES_WITHIN,
    FIRST_RETRY,
    HOUR,
    LAST_RETRY,
    MOST_FAILURES,
    MOST_ORDERS,
    ORDERS_WITHIN,
    CertificateState,
    Challenge,
    Facts,
    Held,
    Record,
    Situation,
    Source,
    WallTime,
    alarm,
    challenge_for,
    due,
    failed,
    forgiven,
    recent_orders,
    renewal,
    spread,
    status,
)
from paas.core.model import Failure

NOW, WALL = 1000.0, 1_700_000_000.0
WHY = Failure(code="validation_failed", message="no")
LIFE = 90 * DAY


def held(
    *,
    age: float = 0.0,
    life: float = LIFE,
    source: Source = Source.ACME,
    renew_at: float | None = None,
    warned: int | None = None,
) -> Held:
    got = WALL - age
    facts = Facts(names=("a.test",), issuer="CA", begins=got, expires=got + life)
    return Held(facts=facts, source=source, obtained=got, renew_at=renew_at, warned=warned)


def situation(**fields: object) -> Situation:
    return replace(Situation(now=NOW, wall=WALL), **fields)


# ---- what is due


def test_a_host_without_a_certificate_is_due_at_once() -> None:
    assert due(["a.test", "b.test"], situation()) == ["a.test", "b.test"]


def test_one_that_is_being_ordered_is_not() -> None:
    assert due(["a.test", "b.test"], situation(running={"a.test"})) == ["b.test"]


def test_a_certificate_is_renewed_after_two_thirds_of_its_life_and_not_before() -> None:
    young, old = held(age=0.6 * LIFE), held(age=0.67 * LIFE)
    assert due(["a.test"], situation(held={"a.test": young})) == []
    assert due(["a.test"], situation(held={"a.test": old})) == ["a.test"]


def test_what_another_authority_issued_is_replaced() -> None:
    known = {"a.test": replace(held(), directory="https://staging/")}
    assert due(["a.test"], situation(held=known, directory="https://staging/")) == []
    assert due(["a.test"], situation(held=known, directory="https://real/")) == ["a.test"]
    upload = {"a.test": held(source=Source.UPLOAD)}
    assert due(["a.test"], situation(held=upload, directory="https://real/")) == []


def test_what_was_uploaded_is_never_ordered() -> None:
    ours = held(age=2 * LIFE, source=Source.UPLOAD)
    assert due(["a.test"], situation(held={"a.test": ours})) == []


def test_a_failed_host_waits_for_its_time_and_others_do_not() -> None:
    record = failed(CLEAN, WHY, now=NOW)
    waits = situation(records={"a.test": record})
    assert due(["a.test", "b.test"], waits) == ["b.test"]
    assert due(["a.test"], replace(waits, now=NOW + FIRST_RETRY)) == ["a.test"]


def test_few_orders_are_under_way_at_a_time() -> None:
    hosts = [f"h{number}.test" for number in range(50)]
    assert len(due(hosts, situation())) == AT_ONCE
    assert len(due(hosts, situation(running=set(hosts[:3])))) == AT_ONCE - 3
    assert due(hosts, situation(running=set(hosts[:20]))) == []


def test_orders_have_a_budget_that_comes_back() -> None:
    spent = tuple(NOW - 10 for _ in range(MOST_ORDERS - 1))
    hosts = ["a.test", "b.test"]
    assert len(due(hosts, situation(orders=spent))) == 1
    assert due(hosts, situation(orders=(*spent, NOW))) == []
    later = situation(orders=(*spent, NOW), now=NOW + ORDERS_WITHIN - 9)
    assert len(due(hosts, later)) == 2
    assert recent_orders(later) == (NOW,)


def test_an_authority_that_is_away_is_asked_for_one_host_at_a_time() -> None:
    away = failed(CLEAN, WHY, now=NOW, most=AWAY_RETRY)
    hosts = ["a.test", "b.test", "c.test"]
    assert due(hosts, situation(away=away)) == []
    back = situation(away=away, now=NOW + FIRST_RETRY)
    assert due(hosts, back) == ["a.test"]
    assert due(hosts, replace(back, running={"b.test"})) == []


def test_the_most_urgent_come_first() -> None:
    known = {"old.test": held(age=0.9 * LIFE), "older.test": held(age=0.95 * LIFE)}
    records = {"bad.test": Record(failures=1, retry_at=NOW)}
    found = due(
        ["bad.test", "old.test", "older.test", "new.test"], situation(held=known, records=records)
    )
    assert found == ["new.test", "older.test", "old.test", "bad.test"]


# ---- renewal


def test_renewals_of_many_hosts_are_spread() -> None:
    times = {renewal(f"h{number}.test", held()) for number in range(100)}
    assert max(times) - min(times) > 3 * DAY
    assert all(WALL + 0.61 * LIFE < at <= WALL + 2 / 3 * LIFE for at in times)


def test_the_authority_may_name_the_time_within_reason() -> None:
    assert renewal("a.test", held(renew_at=WALL + 30 * DAY)) == WALL + 30 * DAY
    assert renewal("a.test", held(renew_at=WALL - DAY)) == WALL + DAY
    assert renewal("a.test", held(renew_at=WALL + 2 * LIFE)) == WALL + 0.9 * LIFE
    short = held(life=6 * HOUR, renew_at=WALL)
    assert renewal("a.test", short) == WALL + HOUR


@given(st.floats(min_value=-1000, max_value=1000))
def test_a_wrong_clock_makes_no_new_certificate_look_old(days: float) -> None:
    """The authority's times are another clock's."""
    facts = Facts(
        names=("a.test",), issuer="", begins=WALL + days * DAY, expires=WALL + days * DAY + LIFE
    )
    fresh = Held(facts=facts, source=Source.ACME, obtained=WALL)
    assert due(["a.test"], situation(held={"a.test": fresh})) == []


def test_a_certificate_that_ends_before_it_begins_does_no_harm() -> None:
    facts = Facts(names=(), issuer="", begins=WALL, expires=WALL - DAY)
    assert facts.lifetime == 1.0


def test_the_spread_of_a_host_never_changes() -> None:
    assert spread("a.test") == spread("a.test") != spread("b.test")
    assert 0 <= spread("a.test") < 1


# ---- failures


def test_pauses_double_up_to_half_a_day() -> None:
    record, waits, now = CLEAN, [], 0.0
    for _ in range(16):
        record = failed(record, WHY, now=now)
        waits.append(record.retry_at - now)
        now += 10 * LAST_RETRY
    assert waits[:4] == [60.0, 120.0, 240.0, 480.0]
    assert waits[-1] == LAST_RETRY
    assert record.failure is WHY


def test_a_host_fails_no_more_often_than_authorities_allow() -> None:
    record, now, times = CLEAN, 0.0, []
    for _ in range(12):
        times.append(now)
        record = failed(record, WHY, now=now, most=1.0)
        now = record.retry_at
    for start in times:
        assert sum(start <= at < start + FAILURES_WITHIN for at in times) <= MOST_FAILURES


def test_the_authority_may_ask_for_a_longer_pause() -> None:
    assert failed(CLEAN, WHY, now=NOW, wait=7200.0).retry_at == NOW + 7200
    assert failed(CLEAN, WHY, now=NOW, wait=1.0).retry_at == NOW + FIRST_RETRY


def test_a_domain_that_comes_again_may_be_tried_again_but_not_without_end() -> None:
    record = failed(failed(CLEAN, WHY, now=NOW - 10), WHY, now=NOW)
    anew = forgiven(record, NOW)
    assert (anew.failures, anew.failure) == (0, None)
    assert due(["a.test"], situation(records={"a.test": anew})) == ["a.test"]
    for _ in range(3):
        record = failed(record, WHY, now=NOW)
    full = forgiven(record, NOW)
    assert due(["a.test"], situation(records={"a.test": full})) == []
    assert forgiven(full, NOW + FAILURES_WITHIN) == CLEAN


# ---- alarms


@pytest.mark.parametrize(
    ("left", "warned", "told"),
    [
        (15.0, None, None),
        (13.9, None, 14),
        (13.9, 14, None),
        (6.9, 14, 7),
        (6.9, None, 7),
        (0.5, 7, 1),
        (0.5, 1, None),
        (-3.0, 7, 1),
        (-3.0, 1, None),
    ],
)
def test_alarms_come_once_for_each_step(left: float, warned: int | None, told: int | None) -> None:
    assert alarm(held(age=LIFE - left * DAY, warned=warned), WALL) == told


def test_a_renewal_that_is_not_late_alarms_nobody() -> None:
    short = held(age=2.5 * DAY, life=6 * DAY)
    assert alarm(short, WALL) is None
    assert alarm(held(age=5.5 * DAY, life=6 * DAY), WALL) == 1


def test_what_people_renew_themselves_alarms_early() -> None:
    upload = held(age=18 * DAY, life=30 * DAY, source=Source.UPLOAD)
    assert alarm(upload, WALL) == 14
    assert alarm(replace(upload, source=Source.ACME), WALL) is None


# ---- how hosts are proved


@pytest.mark.parametrize(
    ("host", "setting", "plain", "secure", "kind"),
    [
        ("a.test", "auto", {80}, {443}, Challenge.HTTP),
        ("a.test", "auto", {8080}, {443}, Challenge.TLS),
        ("a.test", "auto", {8080}, {8443}, Challenge.HTTP),
        ("a.test", "tls-alpn-01", {80}, {443}, Challenge.TLS),
        ("a.test", "http-01", {8080}, {443}, Challenge.HTTP),
        ("a.test", "dns-01", {80}, {443}, Challenge.DNS),
        ("*.a.test", "auto", {80}, {443}, Challenge.DNS),
        ("*.a.test", "http-01", {80}, {443}, Challenge.DNS),
    ],
)
def test_how_a_host_is_proved(
    host: str, setting: str, *, plain: set[int], secure: set[int], kind: Challenge
) -> None:
    assert challenge_for(host, setting, plain=plain, secure=secure) is kind


# ---- what is told


def test_a_host_for_which_nothing_is_ordered_has_none() -> None:
    assert status("a.test", situation(), ordered=False).state is CertificateState.NONE


def test_a_host_waits_for_its_first() -> None:
    found = status("a.test", situation(), ordered=True)
    assert (found.state, found.next_try) == (CertificateState.PENDING, None)


def test_a_host_that_failed_tells_why_and_when_it_is_tried_again() -> None:
    record = failed(CLEAN, WHY, now=NOW)
    found = status("a.test", situation(records={"a.test": record}), ordered=True)
    assert found.state is CertificateState.FAILED
    assert found.failure is WHY
    assert found.next_try == WALL + FIRST_RETRY
    late = situation(records={"a.test": record}, now=NOW + HOUR)
    assert status("a.test", late, ordered=True).next_try == WALL


def test_a_valid_one_tells_when_it_is_renewed_and_what_went_wrong_with_that() -> None:
    known = {"a.test": held()}
    found = status("a.test", situation(held=known), ordered=True)
    assert found.state is CertificateState.VALID
    assert found.renews == renewal("a.test", known["a.test"])
    assert found.facts == known["a.test"].facts
    record = failed(CLEAN, WHY, now=NOW)
    worse = status("a.test", situation(held=known, records={"a.test": record}), ordered=True)
    assert (worse.state, worse.failure) == (CertificateState.VALID, WHY)


def test_an_uploaded_one_is_not_renewed() -> None:
    known = {"a.test": held(source=Source.UPLOAD)}
    found = status("a.test", situation(held=known), ordered=True)
    assert (found.state, found.source, found.renews) == (
        CertificateState.VALID,
        Source.UPLOAD,
        None,
    )


def test_one_that_has_expired_is_no_good() -> None:
    known = {"a.test": held(age=2 * LIFE, source=Source.UPLOAD)}
    found = status("a.test", situation(held=known), ordered=False)
    assert found.state is CertificateState.FAILED
    assert found.failure is not None
    assert found.failure.code == "certificate_expired"


# ---- clocks that jump


def test_a_clock_that_is_slewed_is_followed() -> None:
    time = WallTime(offset=5.0)
    for step in range(1, 100):
        time = time.seen(float(step), 5.0 + step + 10.0 * step)
    assert time.at(0.0) == 5.0 + 10.0 * 99


def test_a_jump_is_believed_after_an_hour() -> None:
    time = WallTime(offset=0.0).seen(10.0, 10.0 + 400 * DAY)
    assert time.at(10.0) == 10.0
    assert time.seen(10.0 + HOUR - 1, 10.0 + HOUR - 1 + 400 * DAY).at(0.0) == 0.0
    assert time.seen(10.0 + HOUR, 10.0 + HOUR + 400 * DAY).at(0.0) == 400 * DAY


def test_a_clock_that_jumps_about_is_not_believed() -> None:
    time = WallTime(offset=0.0)
    for step in range(1, 50):
        time = time.seen(step * 600.0, step * 600.0 + step * DAY)
    assert time.at(0.0) == 0.0


def test_a_clock_that_comes_back_was_never_away() -> None:
    time = WallTime(offset=0.0).seen(10.0, 10.0 + DAY).seen(20.0, 20.0)
    assert time == WallTime(offset=0.0)
    assert time.seen(20.0 + HOUR, 20.0 + HOUR + DAY).at(0.0) == 0.0
