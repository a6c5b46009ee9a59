from paas.core.minutes import HOUR, MinuteCounts

NOW = 1_700_000_040


def test_counts_by_the_minute() -> None:
    counts = MinuteCounts()
    counts.add("shop", NOW - 60, 2)
    counts.add("shop", NOW - 55, 3)
    counts.add("shop", NOW, 1)
    counts.add("shop", NOW, 0)
    minutes = counts.minutes("shop", NOW)
    assert len(minutes) == HOUR
    assert minutes[-2:] == (5, 1)
    assert sum(minutes) == 6
    assert sum(counts.minutes("other", NOW)) == 0


def test_an_hour_later_nothing_is_kept() -> None:
    counts = MinuteCounts()
    counts.add("shop", NOW, 1)
    counts.add("blog", NOW + 120, 1)
    counts.forget(NOW + 3599)
    assert sum(counts.minutes("shop", NOW + 3539)) == 1
    counts.forget(NOW + 3600)
    assert counts._counts.keys() == {"blog"}
