"""The list of services as JSON, of which only what changed is made anew.

Rendering a thousand services takes long enough to be felt by requests, so it goes on in
short turns, and the text of a service is kept with what it was made from: all that a
`ServiceView` holds. Texts of services that are gone leave with the next whole list.
"""

import asyncio
import dataclasses
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from paas.api import render
from paas.control.view import ServiceView

TURN = 0.004
"""Seconds of rendering after which others have their turn."""

_parts = operator.attrgetter(*(one.name for one in dataclasses.fields(ServiceView)))


@dataclass(frozen=True, slots=True)
class _Kept:
    parts: tuple[object, ...]
    text: bytes


class ServiceList:
    """Owns the texts of services by id; bounded by the number of services."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def render(self, views: Sequence[ServiceView], *, whole: bool) -> bytes:
        """`{"items": [...]}` of the views; `whole`: there are no other services."""
        now = asyncio.get_running_loop().time
        texts: dict[str, _Kept] = {}
        until = now() + TURN
        for view in views:
            if now() > until:
                await asyncio.sleep(0)
                until = now() + TURN
            texts[view.service.id] = self._text(view)
        if whole:
            self._kept = texts
        return b'{"items":[%b]}' % b",".join(one.text for one in texts.values())

    def _text(self, view: ServiceView) -> _Kept:
        """Values that did not change are the same objects: comparing them is quick."""
        parts = _parts(view)
        known = self._kept.get(view.service.id)
        if known is not None and known.parts == parts:
            return known
        text = render.service(view).model_dump_json(exclude_unset=True).encode()
        made = self._kept[view.service.id] = _Kept(parts, text)
        return made
