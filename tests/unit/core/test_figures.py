from paas.core.figures import NOTHING, Figures, Rollup, total
from paas.core.metrics import Family, Kind

ONE = Figures(
    classes=(0, 0, 3, 0, 1, 0),
    errors={"rate_limited": 1},
    latency={4: 2, 9: 2},
    seconds=1.5,
    cold_starts=1,
    cold_seconds=0.5,
    gauges=(1.0, 0.0, 2.0, 0.0, 0.0, 0.25, 1000.0),
)
TWO = Figures(classes=(1, 0, 1, 0, 0, 2), errors={"queue_full": 2}, latency={9: 1}, seconds=0.5)


def test_figures_add_up() -> None:
    both = ONE + TWO
    assert both.classes == (1, 0, 4, 0, 1, 2)
    assert both.requests == 8
    assert both.errors == {"rate_limited": 1, "queue_full": 2}
    assert both.latency == {4: 2, 9: 3}
    assert (both.seconds, both.cold_starts, both.cold_seconds) == (2.0, 1, 0.5)
    assert both.gauges == ONE.gauges


def test_nothing_adds_nothing() -> None:
    assert total([]) is NOTHING
    assert total([NOTHING, ONE, NOTHING]) is ONE


def test_rollups_add_up_by_version() -> None:
    first = Rollup(at=60, looks=2, rows={("s", "a"): ONE, ("s", "b"): TWO})
    second = Rollup(at=60, looks=1, rows={("s", "a"): TWO, ("s", "c"): ONE})
    both = first + second
    assert (both.at, both.looks) == (60, 3)
    assert both.rows == {("s", "a"): ONE + TWO, ("s", "b"): TWO, ("s", "c"): ONE}


def test_samples_go_with_their_labels() -> None:
    family = Family("paas_services", Kind.GAUGE, "Services.", ("state",))
    family.add(3, "ready")
    assert family.samples == [(("ready",), 3)]
