"""Internal addresses: what is opened first, and what happens when not all can be."""

import asyncio
import logging

import pytest

from paas.aio.tasks import Tasks
from paas.control.addresses import Addresses
from paas.control.catalog import Catalog
from paas.errors import Unavailable
from tests import builders
from tests.fakes.store import FakeStore
from tests.waiting import until


class FewDoors:
    """So many doors, and no more."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open_: list[int] = []
        self.refused = 0

    async def open(self, host, port, route) -> bool:
        if len(self.open_) >= self.most:
            self.refused += 1
            raise Unavailable("No more.", code="no_descriptors")
        self.open_.append(port)
        return True

    async def close(self, port) -> None:
        self.open_.remove(port)


async def test_services_come_first_and_the_rest_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = Tasks()
    catalog = Catalog(FakeStore(), tasks)
    doors = FewDoors(3)
    addresses = Addresses(catalog=catalog, doors=doors, ports=range(20000, 20100))
    services = [
        builders.service(
            *(builders.version(one, internal_port=first + one) for one in (1, 2)),
            name=name,
            internal_port=first,
        )
        for name, first in (("one", 20_000), ("two", 20_010))
    ]
    for service in services:
        await catalog.create(service)
    with caplog.at_level(logging.WARNING):
        tasks.spawn("addresses", addresses.run())
        addresses.found("10.0.0.1")
        await until(lambda: doors.refused == 1)
        addresses.found("10.0.0.1")
        await until(lambda: doors.refused == 2)
    assert doors.open_[:2] == [one.internal_port for one in services]
    assert [one.message for one in caplog.records] == ["some versions have no internal address"]
    doors.most = 100
    addresses.found("10.0.0.1")
    await until(lambda: len(doors.open_) == 6)
    await tasks.close()
    await asyncio.sleep(0)
