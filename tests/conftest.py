"""For all tests: hypothesis draws the same examples in every run.

`--hypothesis-profile=search` looks for new ones, many of them; a failure it finds is
printed so that it can be written down as an ordinary test.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.register_profile(
    "search",
    max_examples=2000,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")
