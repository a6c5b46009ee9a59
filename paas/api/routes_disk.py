"""Calls about disk use."""

from typing import Any

from paas.api import answers_disk as answers
from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema_disk import Collection
from paas.control.inventory import Use
from paas.core.access import Scope
from paas.core.disposal import Leftover


async def collect(call: Call[NoQuery, Collection]) -> answers.Collected:
    outcome = await call.context.janitor.collect(dry_run=call.body.dry_run)
    return answers.Collected(
        dry_run=call.body.dry_run,
        bytes=sum(one.bytes for one in outcome.removed),
        uses=[_use(one) for one in outcome.uses],
        removed=[_leftover(one) for one in outcome.removed],
        kept=[_leftover(one) for one in outcome.kept],
    )


def _use(known: Use) -> answers.Use:
    return answers.Use(
        service=known.service,
        kind=known.kind,
        count=known.count,
        bytes=known.bytes,
        shared=known.shared,
    )


def _leftover(known: Leftover) -> answers.Leftover:
    return answers.Leftover(
        kind=known.kind,
        id=known.id,
        service=known.service,
        bytes=known.bytes,
        reason=known.reason,
    )


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path="/v1/gc",
        operation="collectGarbage",
        summary="What takes room, and remove what nobody needs",
        handler=collect,
        needs=Scope.ADMIN,
        body=Collection,
        answer=answers.Collected,
        errors=(422,),
    ),
)
