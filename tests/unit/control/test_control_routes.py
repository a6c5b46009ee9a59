import pytest

from paas.aio.tasks import Tasks
from paas.control.catalog import Catalog
from paas.control.routes import Routes
from paas.core.changes import set_split
from paas.core.model import Change
from paas.live.board import Board
from tests import builders
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore


@pytest.fixture
def board():
    return Board(FakeClock().monotonic)


@pytest.fixture
def catalog(board):
    catalog = Catalog(FakeStore(), Tasks())
    Routes(catalog=catalog, board=board, base_domain="localhost")
    return catalog


async def test_every_change_of_a_service_is_routed_in_the_same_step(catalog, board):
    await catalog.create(builders.service(builders.version(1)))
    assert board.choose(board.route("shop.localhost")) is None
    assert board.choose(board.route("shop-001.localhost")) == "shop-id-1"
    await catalog.change(
        "shop", lambda shop: Change(before=shop, after=set_split(shop, {"shop-001": 100}))
    )
    assert board.choose(board.route("shop.localhost")) == "shop-id-1"


async def test_a_deleted_service_is_routed_no_more(catalog, board):
    await catalog.create(builders.service(builders.version(1)))
    await catalog.change("shop", lambda shop: Change(before=shop))
    assert board.route("shop.localhost") is None
    assert board.route("shop-001.localhost") is None
