"""The API's own host on the board."""

from collections.abc import Callable

from paas.core.routing import Route
from paas.live.board import Board, Lease, Refusal
from paas.live.own_host import IDLE_TIMEOUT, NAME, OwnHost

HOST = "console.localhost"


class Stage:
    def __init__(self) -> None:
        self.board = Board(lambda: 0.0)
        self.told: list[tuple[str, ...]] = []
        self.board.on_suspect = lambda version, replica: self.told.append((version, replica))
        self.board.on_demand = lambda version: self.told.append((version,))
        self.calls: list[Callable[[], None]] = []
        self.own = OwnHost(self.board, HOST, policy=None, later=self.calls.append)

    def ask(self) -> object:
        route = self.board.route(HOST)
        assert route is not None
        version = self.board.choose(route)
        assert version is not None
        return self.board.acquire(version, lambda _answer: None)


def test_before_it_is_open_there_is_nothing() -> None:
    assert isinstance(Stage().ask(), Refusal)


def test_requests_get_its_one_place() -> None:
    stage = Stage()
    stage.own.open("127.0.0.1", 8600)
    leases = [stage.ask() for _ in range(500)]
    assert all(isinstance(lease, Lease) for lease in leases)
    first = leases[0]
    assert isinstance(first, Lease)
    assert (first.slot.host, first.slot.port) == ("127.0.0.1", 8600)
    assert first.target.idle_timeout == IDLE_TIMEOUT
    assert stage.told == []


def test_no_service_takes_its_host() -> None:
    stage = Stage()
    stage.board.put_routes("s1", {HOST: Route(key="s1", service="s1", schedule=("v1",))})
    route = stage.board.route(HOST)
    assert route is not None
    assert route.service == NAME


def test_one_failure_says_nothing_about_the_next_time() -> None:
    stage = Stage()
    stage.own.open("127.0.0.1", 8600)
    stage.board.suspect(NAME, NAME)
    stage.ask()
    assert stage.told == []
    stage.calls.pop()()
    assert isinstance(stage.ask(), Lease)


def test_the_hooks_of_others_go_on() -> None:
    stage = Stage()
    stage.own.open("127.0.0.1", 8600)
    stage.board.on_suspect("v1", "r1")
    stage.board.on_demand("v1")
    assert stage.told == [("v1", "r1"), ("v1",)]
    assert stage.calls == []
