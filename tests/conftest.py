"""For all tests: hypothesis draws the same examples in every run.

`--hypothesis-profile=search` looks for new ones, many of them; a failure it finds is
printed so that it can be written down as an ordinary test.

A run in the background of a shell was told to ignore interrupts, and so would be the
programs that tests start and interrupt.
"""

import signal

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

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
