"""Every request counts once, wherever it ends."""

from paas.core.latency import bucket
from paas.core.routing import Route
from tests.unit.http1.answers import reply
from tests.unit.http1.hostile import get
from tests.unit.proxy.script import Script


def classes(script: Script) -> dict[int, int]:
    counted = script.target.counted
    counted.settle()
    return {digit: count for digit, count in enumerate(counted.classes) if count}


def test_an_answer_counts_by_its_class_and_its_duration() -> None:
    script = Script()
    client = script.client(get())
    script.now += 0.5
    script.origins[0].gives(reply(b"x"))
    client.gives(get())
    script.origins[0].gives(reply(b"x", b"404 Not Found"))
    assert classes(script) == {2: 1, 4: 1}
    assert script.target.counted.latency[bucket(0.5)] == 1


def test_an_answer_of_ours_counts_with_its_code() -> None:
    script = Script()
    client = script.client(get())
    script.expire(client)
    assert b" 504 " in client.log
    assert classes(script) == {5: 1}
    assert script.target.counted.errors == {"upstream_timeout": 1}


def test_who_left_before_an_answer_had_none() -> None:
    script = Script()
    client = script.client(get())
    client.leaves()
    assert classes(script) == {0: 1}


def test_who_left_while_it_waited_counts_too() -> None:
    script = Script(ready=False)
    client = script.client(get())
    client.leaves()
    assert classes(script) == {0: 1}


def test_who_waited_in_vain_counts_with_its_version() -> None:
    script = Script(ready=False)
    client = script.client(get())
    script.board.fail("v1")
    assert b" 503 " in client.log
    assert classes(script) == {5: 1}
    assert script.target.counted.errors == {"start_failed": 1}
    assert sum(script.target.counted.latency) == 0


def test_an_offline_service_has_its_refusals() -> None:
    script = Script()
    script.board.put_routes(
        "s1", {"hello.localhost": Route(key="s1", service="hello", schedule=())}
    )
    script.client(get())
    away = script.board.turned_away.of("hello")
    assert (away.classes[5], away.errors) == (1, {"no_traffic": 1})
    assert classes(script) == {}


def test_what_belongs_to_nobody_counts_nowhere() -> None:
    script = Script()
    script.client(get().replace(b"hello.localhost", b"other.localhost"))
    assert script.board.turned_away.services == {}
    assert classes(script) == {}
    assert script.errors == {"no_such_host": 1}


def test_a_request_that_was_tried_twice_counts_once_from_its_beginning() -> None:
    script = Script()
    client = script.client(get())
    script.now += 1.0
    script.origins[0].leaves()
    script.now += 1.0
    script.origins[1].gives(reply(b"x"))
    assert b" 200 " in client.log
    assert classes(script) == {2: 1}
    assert script.target.counted.latency[bucket(2.0)] == 1
