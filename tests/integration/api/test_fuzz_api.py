"""Every call of the OpenAPI document with made-up parameters and bodies, good and bad: each
answer must be one that the document describes, in time, and the API must live on.

`PAAS_FUZZ_SEED` and `PAAS_FUZZ_CALLS` make other and longer runs.
"""

import os
import time
from typing import Any

import pytest

from paas.api import openapi
from paas.api.table import ROUTES
from tests.integration.api.fuzzing import Made, Maker, departures, wrong
from tests.integration.api.rig import World

DOCUMENT = openapi.document(ROUTES)
SEED = os.environ.get("PAAS_FUZZ_SEED", "1")
CALLS = int(os.environ.get("PAAS_FUZZ_CALLS", "12"))
SLOW = 5.0
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


async def answered(paas: World, made: Made) -> tuple[Any, float]:
    begun = time.monotonic()
    answer = await paas.call(made.method, made.target, data=made.body, headers=made.headers)
    return answer, time.monotonic() - begun


async def known(paas: World) -> dict[str, list[str]]:
    """A service with two versions, and the names of what there is."""
    ended = [await paas.deploy() for _ in range(2)]
    return {
        "service": ["shop"],
        "version": [one["version"] for one in ended],
        "deployment": [one["id"] for one in ended],
        "registry": ["registry.example", "docker.io"],
        "user": ["ann"],
        "domain": ["shop.example"],
    }


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[one["operationId"] for *_, one in OPERATIONS]
)
async def test_every_answer_is_as_described(
    paas: World, method: str, path: str, operation: dict[str, Any]
) -> None:
    maker = Maker(DOCUMENT, f"{SEED}/{operation['operationId']}", await known(paas))
    for _ in range(CALLS):
        made = maker.call(method, path, operation)
        answer, seconds = await answered(paas, made)
        found = list(departures(DOCUMENT, operation, answer))
        assert not found, (found, made, answer.text[:500])
        assert seconds < SLOW, (seconds, made)
    assert (await paas.call("GET", "/v1/health")).status == 200


def test_the_check_finds_what_departs() -> None:
    schema = {"$ref": "#/components/schemas/Traffic"}
    good = {"split": {"shop-001": 100}, "previous": None}
    assert not list(wrong(good, schema, DOCUMENT, "it"))
    assert list(wrong(good | {"more": 1}, schema, DOCUMENT, "it")) == ["it: more is not documented"]
    assert list(wrong({"previous": None}, schema, DOCUMENT, "it")) == ["it: split is missing"]
    bad = {"split": {"shop-001": "all"}, "previous": None}
    assert list(wrong(bad, schema, DOCUMENT, "it")) == ["it.split.shop-001: 'all' is no integer"]
