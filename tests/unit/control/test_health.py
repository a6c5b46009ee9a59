from paas.aio.backoff import Backoff
from paas.control.health import STEADY_AFTER, Health


def test_a_version_nobody_complained_about_may_start_at_once():
    health = Health()
    assert (health.failures("v"), health.not_before("v"), health.failing()) == (0, 0.0, [])


def test_each_failure_in_a_row_waits_longer():
    health = Health(Backoff(first=1.0, cap=300.0))
    assert [health.failed("v", 100.0) for _start in range(3)] == [1, 2, 3]
    assert health.not_before("v") == 104.0


def test_versions_do_not_share_their_failures():
    health = Health()
    health.failed("v", 100.0)
    assert health.failures("w") == 0
    assert health.failing() == ["v"]


def test_a_replica_that_lived_long_enough_begins_a_new_row():
    health = Health()
    for now, lived in ((100.0, 0.0), (200.0, STEADY_AFTER - 1)):
        health.failed("v", now, lived=lived)
    assert health.failures("v") == 2
    assert health.failed("v", 100.0, lived=STEADY_AFTER) == 1


def test_replicas_that_one_mishap_ends_together_are_one_failure():
    health = Health()
    assert [health.failed("v", 100.0 + late, lived=30.0) for late in (0.0, 0.1, 0.2)] == [1, 1, 1]
    assert health.not_before("v") == 101.0
    assert health.failed("v", 101.5, lived=0.5) == 2


def test_starts_that_fail_together_are_counted_each():
    health = Health()
    assert [health.failed("v", 100.0) for _start in range(2)] == [1, 2]


def test_a_start_that_was_postponed_is_no_failure_of_the_version():
    health = Health()
    health.postpone("v", 50.0)
    assert (health.failures("v"), health.not_before("v")) == (0, 50.0)
    health.failed("v", 100.0)
    health.postpone("v", 200.0)
    assert (health.failures("v"), health.not_before("v")) == (1, 200.0)


def test_a_steady_version_is_well():
    health = Health()
    health.failed("v", 100.0)
    health.steady("v")
    health.steady("v")
    assert (health.failures("v"), health.not_before("v")) == (0, 0.0)


def test_versions_that_nobody_wants_any_more_are_forgiven_and_named():
    health = Health()
    for version in "vwx":
        health.failed(version, 100.0)
    assert health.forgive({"w", "other"}) == ["v", "x"]
    assert health.failing() == ["w"]
    assert (health.failures("v"), health.not_before("v")) == (0, 0.0)
    assert health.forgive({"w"}) == []
