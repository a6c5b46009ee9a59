from paas.core.pulse import MINUTES, Pulse

NOW = 1_700_000_040


def test_counts_by_the_minute() -> None:
    pulse = Pulse()
    pulse.add("shop", NOW - 60, 2)
    pulse.add("shop", NOW - 55, 3)
    pulse.add("shop", NOW, 1)
    pulse.add("shop", NOW, 0)
    minutes = pulse.minutes("shop", NOW)
    assert len(minutes) == MINUTES
    assert minutes[-2:] == (5, 1)
    assert sum(minutes) == 6
    assert sum(pulse.minutes("other", NOW)) == 0


def test_an_hour_later_nothing_is_kept() -> None:
    pulse = Pulse()
    pulse.add("shop", NOW, 1)
    pulse.add("blog", NOW + 120, 1)
    pulse.forget(NOW + 3599)
    assert sum(pulse.minutes("shop", NOW + 3539)) == 1
    pulse.forget(NOW + 3600)
    assert pulse._counts.keys() == {"blog"}
