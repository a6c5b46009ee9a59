import pytest

from paas.core.routing import Route, schedule
from paas.live.routes import RouteTable


def split(service, **weights):
    return Route(key=f"{service}-id", service=service, schedule=schedule(weights))


def turns(table, route, count):
    return "".join(table.choose(route) for _turn in range(count))


@pytest.fixture
def table():
    return RouteTable()


def test_all_hosts_of_a_service_are_replaced_in_one_step(table):
    table.put("s", {"a": split("s", x=1), "b": split("s", x=1)})
    table.put("s", {"b": split("s", y=1), "c": split("s", y=1)})
    assert table.route("a") is None
    assert table.route("b").schedule == table.route("c").schedule == ("y",)


def test_no_hosts_removes_the_service(table):
    table.put("s", {"a": split("s", x=1)})
    table.put("s", {})
    table.put("s", {})
    assert table.route("a") is None


def test_an_offline_route_has_nobody_to_choose(table):
    assert table.choose(split("s")) is None


def test_a_single_version_takes_every_turn(table):
    assert turns(table, split("s", x=100), 3) == "xxx"


def test_all_hosts_of_a_service_share_one_turn(table):
    one = split("s", x=90, y=10)
    other = split("s", x=90, y=10)
    mixed = [table.choose(route) for route in (one, other) * 5]
    assert sorted(mixed) == ["x"] * 9 + ["y"]


def test_the_upcoming_turn_is_the_one_that_comes(table):
    route = split("s", x=50, y=50)
    for _turn in range(5):
        assert table.upcoming(route) == table.upcoming(route) == table.choose(route)
    assert table.upcoming(split("s")) is None


def test_a_shorter_schedule_begins_anew(table):
    turns(table, split("s", x=90, y=10), 9)
    assert table.upcoming(split("s", x=50, y=50)) == "x"
    assert turns(table, split("s", x=50, y=50), 2) == "xy"


def test_losing_one_host_does_not_disturb_the_turns_of_the_others(table):
    route = split("s", x=90, y=10)
    table.put("s", {"a": route, "shop.example.com": route})
    before = turns(table, route, 4)
    table.put("s", {"a": route})
    assert before + turns(table, route, 6) == "".join(route.schedule)


def test_a_service_that_comes_back_begins_anew(table):
    route = split("s", x=50, y=50)
    table.put("s", {"a": route})
    assert turns(table, route, 1) == "x"
    table.put("s", {})
    table.put("s", {"a": route})
    assert turns(table, route, 1) == "x"


def test_a_host_stays_with_the_service_that_had_it_first(table):
    first, second = split("first", x=1), split("second", y=1)
    table.put("first", {"shared": first})
    table.put("second", {"shared": second, "own": second})
    assert table.route("shared") is first
    table.put("second", {"own": second})
    assert table.route("shared") is first


def test_a_host_goes_to_the_next_claimant_when_the_first_lets_go(table):
    first, second = split("first", x=1), split("second", y=1)
    table.put("first", {"shared": first})
    table.put("second", {"shared": second})
    table.put("first", {})
    assert table.route("shared") is second
    table.put("second", {})
    assert table.route("shared") is None


def test_a_change_of_the_holder_keeps_its_place(table):
    changed = split("first", z=1)
    table.put("first", {"shared": split("first", x=1)})
    table.put("second", {"shared": split("second", y=1)})
    table.put("first", {"shared": changed})
    assert table.route("shared") is changed
