"""A `FigureStore` in memory."""

from paas.core.figures import Kept, Rollup
from paas.core.series import KEPT, MINUTE, QUARTER
from paas.errors import PaasError


class FakeFigures:
    """`services` are the ids that exist; None: any. `broken` is raised while it is set."""

    def __init__(self, services: set[str] | None = None) -> None:
        self.services = services
        self.broken: PaasError | None = None
        self.added: list[tuple[Rollup, ...]] = []
        self._kept: dict[tuple[int, int], Rollup] = {}

    async def add(self, rollups: tuple[Rollup, ...]) -> None:
        if self.broken is not None:
            raise self.broken
        self.added.append(rollups)
        for one in rollups:
            rows = {
                key: figures
                for key, figures in one.rows.items()
                if self.services is None or key[0] in self.services
            }
            for step in (MINUTE, QUARTER):
                at = one.at - one.at % step
                moved = Rollup(at=at, looks=one.looks, rows=rows)
                before = self._kept.get((step, at))
                self._kept[(step, at)] = before + moved if before else moved

    async def read(self, service_id: str, *, step: int, since: int, until: int) -> Kept:
        found = [one for (of, at), one in self._kept.items() if of == step and since <= at < until]
        return Kept(
            figures=tuple(
                (version, one.at, figures)
                for one in found
                for (service, version), figures in one.rows.items()
                if service == service_id
            ),
            looks={one.at: one.looks for one in found},
        )

    async def trim(self, now: float) -> None:
        self._kept = {
            (step, at): one for (step, at), one in self._kept.items() if at >= now - KEPT[step]
        }
