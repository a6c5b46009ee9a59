"""The call that makes a backup of the whole installation."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from paas.api.call import Call, Route
from paas.api.queries import NoQuery
from paas.api.schema_backup import BackupRequest
from paas.core.access import Scope

TAR = "application/x-tar"
PIECE = 256 * 1024


async def make_backup(call: Call[NoQuery, BackupRequest]) -> web.StreamResponse:
    wanted, keeping = call.body, call.context.safekeeping
    archive = keeping.archive(
        key=wanted.key, git=wanted.git, images=wanted.images, actor=call.actor
    )
    async with archive as path:
        return await _send(call.request, path)


async def _send(request: web.Request, path: Path) -> web.StreamResponse:
    """All of the file; the length goes first, so that a half one is seen as such."""
    name = datetime.now(UTC).strftime("paas-%Y%m%dT%H%M%SZ.tar")
    size = (await asyncio.to_thread(path.stat)).st_size
    response = web.StreamResponse(
        headers={
            "Content-Type": TAR,
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(request)
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            await response.write(piece)
    await response.write_eof()
    return response


ROUTES: tuple[Route[Any, Any], ...] = (
    Route(
        method="POST",
        path="/v1/backup",
        operation="makeBackup",
        summary="An archive of the database, the settings file and what else is asked for",
        handler=make_backup,
        needs=Scope.ADMIN,
        body=BackupRequest,
        media=(TAR,),
        errors=(404, 422, 503),
    ),
)
