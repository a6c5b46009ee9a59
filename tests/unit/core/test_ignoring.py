import pytest

from paas.core.ignoring import ignore_rules, ignored
from paas.core.model import IgnoreRule

ROBOT = [b"Mozilla/5.0+(compatible; UptimeRobot/2.0)"]


def met(rule, target=b"/", agents=()):
    return ignored(ignore_rules([rule]), target=target, agents=agents) is not None


@pytest.mark.parametrize(
    ("prefix", "target", "expected"),
    [
        ("/healthz", b"/healthz", True),
        ("/healthz", b"/healthz?full=1", True),
        ("/healthz", b"/healthz/", True),
        ("/healthz", b"/healthz/live?x", True),
        ("/healthz", b"/healthz//", True),
        ("/healthz", b"/healthz/../admin", True),
        ("/healthz", b"/healthzfoo", False),
        ("/healthz", b"/health", False),
        ("/healthz", b"/Healthz", False),
        ("/healthz", b"/health%7a", False),
        ("/healthz", b"/healthz%2flive", False),
        ("/healthz", b"/healthz;x=1", False),
        ("/healthz", b"/healthz\xff", False),
        ("/healthz", b"//healthz", False),
        ("/healthz", b"/./healthz", False),
        ("/healthz", b"/a/healthz", False),
        ("/healthz", b"/?/healthz", False),
        ("/health%7a", b"/health%7a/x", True),
        ("/healthz/", b"/healthz/live", True),
        ("/healthz/", b"/healthz/", True),
        ("/healthz/", b"/healthz", False),
        ("/", b"/anything?x", True),
    ],
)
def test_a_prefix_ends_with_a_segment_of_the_path_as_it_came(prefix, target, expected):
    assert met(IgnoreRule(path_prefix=prefix), target) is expected


@pytest.mark.parametrize(
    ("part", "agents", "expected"),
    [
        ("UptimeRobot", ROBOT, True),
        ("uptimerobot", ROBOT, True),
        ("UPTIMEROBOT/2", ROBOT, True),
        ("UptimeRobot/3", ROBOT, False),
        ("UptimeRobot", [], False),
        ("UptimeRobot", [b""], False),
        ("UptimeRobot", [b"curl/8", b"uptimerobot"], True),
        ("curl", [b"\xc3\x89 CURL \xff"], True),
    ],
)
def test_a_user_agent_contains_it_in_any_case(part, agents, expected):
    assert met(IgnoreRule(user_agent=part), agents=agents) is expected


def test_of_two_conditions_both_must_hold():
    rule = IgnoreRule(path_prefix="/status", user_agent="robot")
    assert met(rule, b"/status", ROBOT)
    assert not met(rule, b"/other", ROBOT)
    assert not met(rule, b"/status", [b"curl"])


def test_the_first_that_fits_counts_and_none_is_none():
    rules = ignore_rules(
        [IgnoreRule(path_prefix="/a", status=204), IgnoreRule(path_prefix="/", status=503)]
    )
    assert ignored(rules, target=b"/a", agents=[]).status == 204
    assert ignored(rules, target=b"/b", agents=[]).status == 503
    assert ignored((), target=b"/b", agents=[]) is None
