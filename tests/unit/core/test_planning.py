from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.planning import Drain, Freeze, Phase, Remove, Seen, Start, Wake, Want, plan

LIVE = (Phase.STARTING, Phase.WAKING, Phase.READY, Phase.FREEZING, Phase.FROZEN)
VERSIONS = st.sampled_from(["a", "b", "c"])
WANTS = st.dictionaries(VERSIONS, st.integers(0, 5).map(lambda count: Want(count=count)))


@st.composite
def worlds(draw):
    """Replicas in any phase, of versions wanted and unwanted."""
    rows = draw(
        st.lists(
            st.tuples(VERSIONS, st.sampled_from(Phase), st.integers(0, 3), st.integers(0, 9)),
            max_size=12,
        )
    )
    return [
        Seen(replica=f"r{number}", version_id=version, phase=phase, in_flight=busy, since=since)
        for number, (version, phase, busy, since) in enumerate(rows)
    ]


def seen(replica, phase=Phase.READY, *, version="a", in_flight=0, since=0.0):
    return Seen(replica=replica, version_id=version, phase=phase, in_flight=in_flight, since=since)


def carried_out(world, actions, names):
    """What the engine shows once the actions were begun, before any of them ends."""
    changes = {
        Wake: Phase.WAKING,
        Freeze: Phase.FREEZING,
        Drain: Phase.DRAINING,
        Remove: Phase.DRAINING,
    }
    after = {one.replica: one for one in world}
    for action in actions:
        if isinstance(action, Start):
            name = next(names)
            after[name] = seen(name, Phase.STARTING, version=action.version_id)
        else:
            after[action.replica] = replace(after[action.replica], phase=changes[type(action)])
    return list(after.values())


def ended(world):
    """What was draining is gone, what was starting is ready, what was freezing is frozen."""
    arrived = {
        Phase.STARTING: Phase.READY,
        Phase.WAKING: Phase.READY,
        Phase.FREEZING: Phase.FROZEN,
    }
    return [
        replace(one, phase=arrived.get(one.phase, one.phase))
        for one in world
        if one.phase is not Phase.DRAINING
    ]


def fresh_names():
    number = 0
    while True:
        number += 1
        yield f"new{number}"


def live(world, version):
    return [one for one in world if one.version_id == version and one.phase in LIVE]


@given(world=worlds(), wants=WANTS)
def test_carrying_the_plan_out_again_and_again_arrives_at_what_is_wanted(world, wants):
    names = fresh_names()
    for _round in range(3):  # one that is freezing must be frozen before it can be woken
        world = ended(carried_out(world, plan(wants, world, 0.0), names))
    assert plan(wants, world, 0.0) == []
    assert {one.version_id for one in world} <= wants.keys()
    for version, want in wants.items():
        assert [one.phase for one in live(world, version)] == [Phase.READY] * want.count


@given(world=worlds(), wants=WANTS)
def test_while_starting_there_are_never_more_than_wanted(world, wants):
    after = carried_out(world, plan(wants, world, 0.0), fresh_names())
    for version, want in wants.items():
        assert len(live(after, version)) == want.count


@given(world=worlds(), wants=WANTS)
def test_the_same_look_again_before_anything_ended_does_nothing_twice(world, wants):
    after = carried_out(world, plan(wants, world, 0.0), fresh_names())
    assert plan(wants, after, 0.0) == []


@given(world=worlds(), wants=WANTS)
def test_each_replica_is_acted_on_once_and_the_ended_and_unknown_are_removed(world, wants):
    actions = plan(wants, world, 0.0)
    touched = [action.replica for action in actions if not isinstance(action, Start)]
    assert len(touched) == len(set(touched))
    removed = {action.replica for action in actions if isinstance(action, Remove)}
    assert removed == {
        one.replica
        for one in world
        if one.phase is Phase.EXITED
        or (one.version_id not in wants and one.phase is not Phase.DRAINING)
    }


def test_agreement_needs_no_action():
    assert plan({"a": Want(count=1)}, [seen("r1")], 0.0) == []
    assert plan({}, [], 0.0) == []


def test_a_version_that_cannot_start_waits_for_its_time():
    want = {"a": Want(count=2, not_before=10.0)}
    assert plan(want, [seen("r1")], 9.9) == []
    assert plan(want, [seen("r1")], 10.0) == [Start("a")]


def test_frozen_replicas_are_woken_before_others_are_started_whatever_the_back_off():
    world = [seen("r1", Phase.FROZEN)]
    assert plan({"a": Want(count=2)}, world, 0.0) == [Wake("r1"), Start("a")]
    assert plan({"a": Want(count=2, not_before=5.0)}, world, 0.0) == [Wake("r1")]


def test_where_sleep_is_wanted_the_idle_freeze_and_none_is_started_or_woken():
    asleep = {"a": Want(count=2, frozen=True)}
    assert plan(asleep, [], 0.0) == []
    assert plan(asleep, [seen("r1"), seen("r2", in_flight=1)], 0.0) == [Freeze("r1")]
    for phase in (Phase.FROZEN, Phase.FREEZING, Phase.WAKING, Phase.STARTING):
        assert plan(asleep, [seen("r1", phase)], 0.0) == []
    assert plan({"a": Want(count=1, frozen=True)}, [seen("r1"), seen("r2", since=1.0)], 0.0) == [
        Drain("r2"),
        Freeze("r1"),
    ]


def test_what_the_engine_is_at_is_waited_for():
    for phase in (Phase.FREEZING, Phase.WAKING):
        assert plan({"a": Want(count=1)}, [seen("r1", phase)], 0.0) == []


def test_a_draining_replica_does_not_count_and_is_left_in_peace():
    world = [seen("r1", Phase.DRAINING)]
    assert plan({"a": Want(count=1)}, world, 0.0) == [Start("a")]
    assert plan({"a": Want(count=0)}, world, 0.0) == []


def test_requests_under_way_on_a_deleted_version_are_not_cut_by_the_next_look():
    assert plan({}, [seen("r1", Phase.DRAINING, in_flight=3)], 0.0) == []


@pytest.mark.parametrize(
    ("count", "gone"),
    [
        (5, ["starting"]),
        (4, ["starting", "frozen"]),
        (3, ["starting", "frozen", "young"]),
        (2, ["starting", "frozen", "young", "old"]),
        (0, ["starting", "frozen", "young", "old", "busy", "busiest"]),
    ],
)
def test_of_too_many_the_least_useful_go_first(count, gone):
    world = [
        seen("busiest", in_flight=9, since=9.0),
        seen("old", since=1.0),
        seen("frozen", Phase.FROZEN),
        seen("busy", in_flight=1, since=1.0),
        seen("young", since=2.0),
        seen("starting", Phase.STARTING, since=3.0),
    ]
    actions = plan({"a": Want(count=count)}, world, 0.0)
    assert [one for one in actions if isinstance(one, Drain)] == [Drain(name) for name in gone]
    assert (Wake("frozen") in actions) is ("frozen" not in gone)


def test_all_that_sleep_are_woken_before_anything_is_started():
    """A start may take the place of a sleeper, but not of one that is needed itself."""
    world = [Seen(replica="r1", version_id="b", phase=Phase.FROZEN)]
    wants = {"a": Want(count=1), "b": Want(count=1), "c": Want(count=1)}
    assert plan(wants, world, 0.0) == [Wake("r1"), Start("a"), Start("c")]
