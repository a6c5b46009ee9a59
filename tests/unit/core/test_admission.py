from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from paas.core.admission import Admission, Frozen, Need, Room, Verdict, admit

MIB = 1024**2
HOST = Room(total=2048 * MIB, free=800 * MIB, reserve=200 * MIB, committed=1024 * MIB)
NEED = Need(limit=512 * MIB, expected=512 * MIB)


def frozen(name, *, idle_since, size=100, limit=256):
    return Frozen(replica=name, idle_since=idle_since, size=size * MIB, limit=limit * MIB)


OLD, NEW = frozen("old", idle_since=10.0), frozen("new", idle_since=90.0)


def test_with_memory_enough_nobody_makes_room():
    assert admit(HOST, NEED, [OLD]) == Admission(verdict=Verdict.ALLOW)


def test_those_idle_longest_make_room_and_no_more_than_must():
    tight = replace(HOST, free=620 * MIB)
    found = admit(tight, NEED, [NEW, OLD])
    assert (found.verdict, found.evict) == (Verdict.EVICT, ("old",))
    assert found.reason == (
        "the host has 620MiB of memory free; 512MiB are needed and 200MiB stay in reserve"
    )
    tighter = replace(HOST, free=520 * MIB)
    assert admit(tighter, NEED, [NEW, OLD]).evict == ("old", "new")


def test_limits_may_come_to_so_many_times_the_hosts_memory():
    full = replace(HOST, committed=2700 * MIB)
    found = admit(full, NEED, [NEW, OLD])
    assert (found.verdict, found.evict) == (Verdict.EVICT, ("old",))
    assert found.reason == (
        "the memory limits of all replicas would come to 3212MiB, "
        "more than 1.5 times the host's 2GiB"
    )
    assert admit(replace(full, overcommit=2.0), NEED, []).verdict is Verdict.ALLOW


def test_nobody_is_stopped_in_vain():
    found = admit(replace(HOST, free=100 * MIB), NEED, [OLD, NEW])
    assert (found.verdict, found.evict) == (Verdict.REFUSE, ())
    assert found.reason


def test_what_is_known_to_need_little_needs_little():
    tight = replace(HOST, free=300 * MIB)
    assert admit(tight, replace(NEED, expected=40 * MIB), []).verdict is Verdict.ALLOW


def test_to_freeze_one_under_pressure_is_to_stop_the_one_idle_longest():
    nothing = Need(limit=0, expected=0)
    assert admit(HOST, nothing, [OLD, NEW]).verdict is Verdict.ALLOW
    found = admit(replace(HOST, free=150 * MIB), nothing, [NEW, OLD])
    assert (found.verdict, found.evict) == (Verdict.EVICT, ("old",))


sizes = st.integers(0, 4000).map(lambda size: size * MIB)


@given(
    free=sizes,
    committed=sizes,
    need=sizes,
    rows=st.lists(st.tuples(st.floats(0, 100), sizes, sizes), max_size=6),
)
def test_what_is_let_in_has_room(free, committed, need, rows):
    host = replace(HOST, free=free, committed=committed)
    asleep = [
        Frozen(replica=str(number), idle_since=since, limit=limit, size=size)
        for number, (since, limit, size) in enumerate(rows)
    ]
    found = admit(host, Need(limit=need, expected=need), asleep)
    gone = [one for one in asleep if one.replica in found.evict]
    kept = [one for one in asleep if one.replica not in found.evict]

    def fits(stopped):
        left = free + sum(one.size for one in stopped) - need
        limits = committed - sum(one.limit for one in stopped) + need
        return left >= host.reserve and limits <= host.total * 1.5

    assert fits(gone) == (found.verdict is not Verdict.REFUSE)
    assert not fits(asleep) or found.verdict is not Verdict.REFUSE
    assert (found.verdict is Verdict.EVICT) == bool(gone)
    assert not gone or not fits(sorted(gone, key=lambda one: one.idle_since)[:-1])
    assert all(one.idle_since <= other.idle_since for one in gone for other in kept)
