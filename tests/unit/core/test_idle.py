from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.idle import (
    Activity,
    IdleSettings,
    Keeps,
    Mark,
    Moment,
    Stage,
    ladder,
    resumed,
    to_store,
)

HOUR = IdleSettings(freeze_after=300, stop_after=3600)
QUIET = Activity(last_active=1000.0)


def stage(settings, activity=QUIET, *, at=Stage.SERVING, idle):
    return ladder(settings, activity, stage=at, now=activity.last_active + idle).stage


def test_it_freezes_then_stops_on_time():
    assert stage(HOUR, idle=299.9) is Stage.SERVING
    assert stage(HOUR, idle=300) is Stage.FROZEN
    assert stage(HOUR, at=Stage.FROZEN, idle=3599.9) is Stage.FROZEN
    assert stage(HOUR, at=Stage.FROZEN, idle=3600) is Stage.ZERO


def test_it_says_when_it_goes_further():
    early = ladder(HOUR, QUIET, stage=Stage.SERVING, now=1012.0)
    assert (early.keeps, early.seconds) == (Keeps.RECENT, 12.0)
    assert (early.freezes_at, early.stops_at) == (1300.0, 4600.0)
    assert early.reason == "idle for 12 of 300 s"
    frozen = ladder(HOUR, QUIET, stage=Stage.SERVING, now=1301.0)
    assert (frozen.freezes_at, frozen.stops_at) == (None, 4600.0)
    assert frozen.reason == "idle for 301 s, frozen until the next request"
    stopped = ladder(HOUR, QUIET, stage=Stage.FROZEN, now=4601.0)
    assert (stopped.freezes_at, stopped.stops_at) == (None, None)
    assert stopped.reason == "idle for 3601 s, stopped after 3600 s"


def test_either_stage_can_be_switched_off():
    only_stop = replace(HOUR, freeze_after=0)
    assert stage(only_stop, idle=3599) is Stage.SERVING
    assert stage(only_stop, idle=3600) is Stage.ZERO
    only_freeze = replace(HOUR, stop_after=0)
    assert stage(only_freeze, idle=1e9) is Stage.FROZEN
    never = ladder(replace(HOUR, freeze_after=0, stop_after=0), QUIET, stage=Stage.SERVING, now=1e9)
    assert (never.stage, never.freezes_at, never.stops_at) == (Stage.SERVING, None, None)
    assert never.reason == "it never sleeps"


def test_what_is_stopped_before_it_would_freeze_is_never_frozen():
    settings = replace(HOUR, stop_after=100)
    assert ladder(settings, QUIET, stage=Stage.SERVING, now=1001.0).freezes_at is None
    assert stage(settings, idle=100) is Stage.ZERO


def test_without_weight_it_goes_to_zero_after_the_shorter_time():
    bare = replace(HOUR, weighted=False, min=3)
    assert stage(bare, idle=299) is Stage.SERVING
    assert stage(bare, idle=300) is Stage.ZERO
    assert stage(replace(bare, stop_after=0), idle=300) is Stage.ZERO
    assert stage(replace(bare, freeze_after=0), idle=3599) is Stage.SERVING
    assert stage(replace(bare, freeze_after=0), idle=3600) is Stage.ZERO
    assert stage(replace(bare, freeze_after=0, stop_after=0), idle=1e9) is Stage.SERVING


@pytest.mark.parametrize(
    ("activity", "keeps"),
    [
        (replace(QUIET, queued=1), Keeps.QUEUED),
        (replace(QUIET, in_flight=2, streams=1), Keeps.STREAM),
        (replace(QUIET, in_flight=1), Keeps.REQUEST),
        (replace(QUIET, deploying=True), Keeps.DEPLOYMENT),
        (replace(QUIET, starting=True), Keeps.STARTING),
    ],
)
@pytest.mark.parametrize("at", Stage)
def test_whatever_goes_on_keeps_it_awake_or_wakes_it(activity, keeps, at):
    for weighted in (True, False):
        settings = replace(HOUR, weighted=weighted)
        found = ladder(settings, activity, stage=at, now=1e9)
        assert (found.stage, found.keeps, found.seconds) == (Stage.SERVING, keeps, 0.0)


def test_a_minimum_keeps_a_weighted_version_awake():
    found = ladder(replace(HOUR, min=1), QUIET, stage=Stage.ZERO, now=1e9)
    assert (found.stage, found.keeps) == (Stage.SERVING, Keeps.MIN)


def test_what_is_asleep_stays_so_whatever_the_limits_become():
    assert stage(HOUR, at=Stage.ZERO, idle=1) is Stage.ZERO
    assert stage(replace(HOUR, freeze_after=0, stop_after=0), at=Stage.ZERO, idle=1) is Stage.ZERO
    assert stage(replace(HOUR, freeze_after=9000), at=Stage.FROZEN, idle=400) is Stage.FROZEN


def test_who_became_ready_after_the_last_request_gets_a_whole_idle_time():
    late = replace(QUIET, started=1200.0)
    assert stage(HOUR, late, idle=499.9) is Stage.SERVING
    assert stage(HOUR, late, idle=500) is Stage.FROZEN
    assert stage(HOUR, replace(QUIET, started=10.0), idle=300) is Stage.FROZEN


def test_a_moment_in_the_future_is_now():
    assert ladder(HOUR, QUIET, stage=Stage.SERVING, now=5.0).seconds == 0.0


@given(
    settings=st.builds(
        IdleSettings,
        freeze_after=st.sampled_from([0.0, 5.0, 300.0]),
        stop_after=st.sampled_from([0.0, 3.0, 300.0, 3600.0]),
        min=st.integers(0, 2),
        weighted=st.booleans(),
    ),
    at=st.sampled_from(Stage),
    idle=st.floats(0, 1e6),
    more=st.floats(0, 1e6),
)
def test_without_demand_it_only_goes_further(settings, at, idle, more):
    order = list(Stage)
    first = stage(settings, at=at, idle=idle)
    second = stage(settings, at=first, idle=idle + more)
    if not (settings.weighted and settings.min):
        assert order.index(at) <= order.index(first) <= order.index(second)
    else:
        assert first is second is Stage.SERVING


def moment(monotonic, *, boot="a", wall=None):
    return Moment(boot=boot, monotonic=monotonic, wall=1e9 + monotonic if wall is None else wall)


def stored(mark, last_active, *, busy=False, now):
    return to_store(mark, last_active=last_active, busy=busy, now=now) or mark


def test_a_row_of_requests_is_two_writes():
    began = stored(None, 100.0, busy=True, now=moment(100.0))
    assert began == Mark(at=moment(100.0), busy=True)
    assert to_store(began, last_active=150.0, busy=True, now=moment(150.0)) is None
    assert to_store(began, last_active=150.0, busy=False, now=moment(150.5)) is None
    ended = stored(began, 150.0, now=moment(151.0))
    assert ended == Mark(at=moment(150.0))
    assert to_store(ended, last_active=150.0, busy=False, now=moment(4000.0)) is None
    again = stored(ended, 4001.0, busy=False, now=moment(4001.5))
    assert again == Mark(at=moment(4001.5), busy=True)
    assert stored(again, 4001.0, now=moment(4010.0)) == Mark(at=moment(4001.0))


def test_a_short_request_between_two_looks_is_not_missed():
    ended = Mark(at=moment(150.0))
    assert stored(ended, 170.0, now=moment(175.0)) == Mark(at=moment(170.0))


def test_a_restart_of_the_daemon_neither_resets_nor_fires_it():
    ended = Mark(at=moment(150.0))
    assert resumed(ended, moment(3749.0)) == 150.0


@pytest.mark.parametrize("jump", [-1e8, -3600.0, 3600.0, 1e8])
def test_a_jump_of_the_wall_clock_decides_nothing(jump):
    mark = stored(None, 150.0, now=moment(152.0))
    assert resumed(mark, moment(160.0, wall=1e9 + 160 + jump)) == 150.0
    assert to_store(mark, last_active=150.0, busy=False, now=moment(160.0, wall=jump)) is None


def test_it_begins_anew_after_a_boot_after_a_kill_under_load_and_without_a_mark():
    now = moment(5000.0, boot="b")
    assert resumed(Mark(at=moment(150.0)), now) == 5000.0
    assert resumed(Mark(at=moment(150.0, boot="b"), busy=True), now) == 5000.0
    assert resumed(None, now) == 5000.0
    assert resumed(Mark(at=moment(9000.0, boot="b")), now) == 5000.0


def test_after_a_boot_a_mark_is_stored_anew():
    old = Mark(at=moment(150.0), busy=True)
    now = moment(20.0, boot="b")
    assert to_store(old, last_active=20.0, busy=True, now=now) == Mark(at=now, busy=True)
    later = moment(30.0, boot="b")
    assert to_store(old, last_active=20.0, busy=False, now=later) == Mark(at=moment(20.0, boot="b"))
