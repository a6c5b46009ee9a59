from collections import Counter
from dataclasses import replace
from functools import reduce
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.model import Domain, ServiceSettings, VersionStatus
from paas.core.routing import (
    routable,
    schedule,
    service_hosts,
    service_route,
    version_route,
)
from tests import builders

WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 40), max_size=5)


@given(weights=WEIGHTS, turn=st.integers(0, 500))
def test_every_window_of_one_period_has_the_exact_counts(weights, turn):
    order = schedule(weights)
    positive = {target: weight for target, weight in weights.items() if weight}
    divisor = reduce(gcd, positive.values(), 0) or 1
    begin = turn % len(order) if order else 0
    window = Counter((order + order)[begin : begin + len(order)])
    assert window == {target: weight // divisor for target, weight in positive.items()}


@given(weights=WEIGHTS)
def test_at_no_time_has_a_target_more_than_one_request_too_many(weights):
    order = schedule(weights)
    total = sum(weights.values())
    taken = Counter()
    for turn, target in enumerate(order, 1):
        taken[target] += 1
        assert abs(taken[target] - turn * weights[target] / total) <= 1.0 + 1e-9 * len(weights)


@pytest.mark.parametrize("first", range(10))
def test_90_to_10_gives_nine_and_one_in_every_ten(first):
    requests = schedule({"old": 90, "new": 10}) * 3
    assert Counter(requests[first : first + 10]) == {"old": 9, "new": 1}


def test_half_and_half_alternates():
    assert schedule({"a": 50, "b": 50}) == ("a", "b")


def test_the_heavier_target_does_not_come_in_bursts():
    assert schedule({"a": 5, "b": 1, "c": 1}) == ("a", "a", "b", "a", "c", "a", "a")


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 0, "b": 0}])
def test_no_weight_is_offline(weights):
    assert schedule(weights) == ()


def test_all_hosts_of_a_service_follow_its_split_and_each_version_has_its_own():
    shop = builders.service(
        builders.version(1),
        builders.version(2),
        builders.version(3, status=VersionStatus.STARTING),
        split={"shop-001": 50, "shop-002": 50},
        domains=(Domain(name="shop.example.com", created=0.0),),
    )
    hosts = service_hosts(shop, base_domain="localhost")
    both = service_route(shop)
    assert both.schedule == ("shop-id-1", "shop-id-2")
    assert (both.key, both.service) == ("shop-id", "shop")
    named = {"shop-001": "shop-id-1", "shop-002": "shop-id-2"}
    both = replace(both, versions=named)
    assert hosts == {
        "shop.localhost": both,
        "shop.example.com": both,
        "shop-001.localhost": version_route(shop, "shop-001"),
        "shop-002.localhost": version_route(shop, "shop-002"),
    }
    assert hosts["shop-002.localhost"].schedule == ("shop-id-2",)


def test_a_split_that_names_a_deleted_version_routes_to_the_others():
    shop = builders.service(builders.version(2), split={"shop-001": 50, "shop-002": 50})
    assert service_route(shop).schedule == ("shop-id-2",)


def test_a_service_without_versions_is_known_but_offline():
    hosts = service_hosts(builders.service(), base_domain="localhost")
    assert hosts["shop.localhost"].schedule == ()


@pytest.mark.parametrize("status", list(VersionStatus))
def test_only_ready_versions_are_routable(status):
    shop = builders.service(builders.version(1, status=status))
    assert bool(routable(shop)) is (status is VersionStatus.READY)


def test_policies_bind_visitors_from_outside_only():
    shop = builders.service(
        builders.version(1),
        split={"shop-001": 100},
        settings=ServiceSettings(sticky=True, body_limit=5),
    )
    hosts = service_hosts(shop, base_domain="localhost")
    assert hosts["shop.localhost"].policy.sticky == {b"shop-001": "shop-id-1"}
    assert hosts["shop-001.localhost"].policy.body_limit == 5
    assert not hosts["shop-001.localhost"].policy.sticky
    assert hosts["shop-001.localhost"].versions == {}
    for inside in (service_route(shop), version_route(shop, "shop-001")):
        assert inside.policy is None
        assert inside.versions == {}
